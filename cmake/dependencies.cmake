# Everything that pleat takes from outside; Debian names are in packages.txt, Python wheels in requirements.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG 1.6 REQUIRED)
# Of the versions of libjpeg's interface, the one that libjpeg-turbo 2 has in Debian; another would change crops.
find_package(JPEG 62 EXACT REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(MPI REQUIRED COMPONENTS C)

# Debian's OpenCVConfig.cmake is in libopencv-dev, which brings all of OpenCV; three modules are enough here,
# and two more in data_tools/faces.
find_path(PLEAT_OPENCV_INCLUDE opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
add_library(opencv INTERFACE)
target_include_directories(opencv SYSTEM INTERFACE ${PLEAT_OPENCV_INCLUDE})
foreach(module core imgproc imgcodecs)
  find_library(PLEAT_OPENCV_${module} opencv_${module} REQUIRED)
  target_link_libraries(opencv INTERFACE ${PLEAT_OPENCV_${module}})
endforeach()

pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5)
# From 1.12 on, names such as H5O_info_t would mean newer structs than the calls that pleat makes.
target_compile_definitions(PkgConfig::HDF5 INTERFACE H5_USE_110_API)
find_library(PLEAT_CSV csv REQUIRED)

# OpenMPI's mpi.h pulls in nothing of C++; the C bindings are all that is used.
add_compile_definitions(OMPI_SKIP_MPICXX)

include(torch_library)

# One precompiled <torch/types.h> for all layers that use LibTorch. Not <torch/torch.h>: loading that (0.75 GB) takes
# every file 6 s longer, as long as parsing what it needs.
file(WRITE ${CMAKE_BINARY_DIR}/torch_pch.cpp "// Carries the precompiled header.\n")
add_library(torch_pch OBJECT ${CMAKE_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(torch_pch PRIVATE pleat_torch spdlog::spdlog fmt::fmt pleat_warnings)
target_precompile_headers(torch_pch PRIVATE <torch/types.h> <fmt/format.h> <string> <vector> <map>)
