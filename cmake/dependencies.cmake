# External dependencies. packages.txt lists their Debian packages, requirements.txt the Python wheels.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG 1.6 REQUIRED)
# Interface version 62, which Debian's libjpeg-turbo 2 has. Another version would change crops.
find_package(JPEG 62 EXACT REQUIRED)
find_package(TIFF 4.5 REQUIRED)
find_package(GIF 5 REQUIRED)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(HEIF REQUIRED IMPORTED_TARGET libheif>=1.15)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(MPI REQUIRED COMPONENTS C)

# Without OpenCVConfig.cmake: Debian has it in libopencv-dev, which installs all of OpenCV. Two modules are enough
# here; data_tools/faces adds two, and tests one, imgcodecs.
find_path(PLEAT_OPENCV_INCLUDE opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
add_library(opencv INTERFACE)
target_include_directories(opencv SYSTEM INTERFACE ${PLEAT_OPENCV_INCLUDE})
foreach(module core imgproc)
  find_library(PLEAT_OPENCV_${module} opencv_${module} REQUIRED)
  target_link_libraries(opencv INTERFACE ${PLEAT_OPENCV_${module}})
endforeach()

pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5)
# pleat uses the HDF5 1.10 API. Without this definition, HDF5 1.12 maps names such as H5O_info_t to newer structs.
target_compile_definitions(PkgConfig::HDF5 INTERFACE H5_USE_110_API)
find_library(PLEAT_CSV csv REQUIRED)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
find_path(PLEAT_MUSTACHE kainjow/mustache.hpp REQUIRED)

# Keeps Open MPI's C++ bindings out of mpi.h. pleat uses only the C bindings.
add_compile_definitions(OMPI_SKIP_MPICXX)

include(torch_library)

# One precompiled <torch/types.h> for all rooms that use LibTorch. It holds no more: a larger one takes every file longer
# to load (1.9 s with these headers, 3.7 s with JSON and the log too; 6 s for <torch/torch.h>) than the headers to parse.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/torch_pch.cpp CONTENT "// Carries the precompiled header.\n")
add_library(torch_pch OBJECT ${CMAKE_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(torch_pch PRIVATE pleat_torch spdlog::spdlog fmt::fmt pleat_warnings)
target_precompile_headers(torch_pch PRIVATE <torch/types.h> <fmt/format.h> <string> <vector> <map>)

# uPlot is JavaScript for the report's page. Its wheel is in .venv, also if LibTorch is not.
file(GLOB uplot_folders ${PLEAT_VENV}/lib/python3*/site-packages/metaflow_extensions/card_uplot/plugins/cards/uplot/uplot)
find_path(PLEAT_UPLOT uPlot.iife.min.js PATHS ${uplot_folders} NO_DEFAULT_PATH)
if(NOT PLEAT_UPLOT)
  message(FATAL_ERROR "uPlot not found in ${PLEAT_VENV}: run launch/setup.sh, or give the folder of uPlot.iife.min.js and "
                      "uPlot.min.css with -DPLEAT_UPLOT=")
endif()
