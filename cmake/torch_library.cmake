# pleat_torch is LibTorch's CPU half. pleat_torch_cuda is its CUDA half with NCCL, used by a single module. A user's
# LibTorch (Torch_DIR, CMAKE_PREFIX_PATH) is preferred to the wheel in .venv. TorchConfig.cmake is not used: it requires
# a full CUDA toolkit, and its include path lets torch's own fmt hide the system's.
set(PLEAT_VENV ${CMAKE_SOURCE_DIR}/.venv CACHE PATH "Virtual environment that holds the torch wheel")

# TorchConfig.cmake marks a LibTorch. An environment (venv, conda) has LibTorch among its Python packages.
string(REPLACE ":" ";" prefixes "$ENV{CMAKE_PREFIX_PATH}")
list(PREPEND prefixes ${CMAKE_PREFIX_PATH})
if(Torch_DIR)
  list(PREPEND prefixes ${Torch_DIR}/../../..)
endif()
list(APPEND prefixes ${PLEAT_VENV})
set(candidates "")
foreach(prefix IN LISTS prefixes)
  file(GLOB packaged ${prefix}/lib/python3*/site-packages/torch)
  list(APPEND candidates ${prefix} ${packaged})
endforeach()
find_path(torch_root share/cmake/Torch/TorchConfig.cmake PATHS ${candidates} NO_DEFAULT_PATH NO_CACHE)
if(NOT torch_root)
  message(FATAL_ERROR "LibTorch not found in ${prefixes}: run launch/setup.sh (it fills .venv), or give your own with "
                      "-DCMAKE_PREFIX_PATH=/path/to/libtorch")
endif()
cmake_path(NORMAL_PATH torch_root)
string(REGEX REPLACE "/$" "" torch_root ${torch_root})
message(STATUS "LibTorch: ${torch_root}")

# CUDA runtime and NCCL: beside torch (wheel), in LibTorch's lib folder (archive), or the system's.
cmake_path(GET torch_root PARENT_PATH site_packages)
file(GLOB nvidia_includes ${site_packages}/nvidia/*/include)
file(GLOB nvidia_libraries ${site_packages}/nvidia/*/lib)
file(GLOB archived_cudart ${torch_root}/lib/libcudart*.so*)
file(GLOB archived_nccl ${torch_root}/lib/libnccl*.so*)
set(cuda_toolkit $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda)
find_path(cuda_include cuda_runtime_api.h HINTS ${nvidia_includes} PATHS ${cuda_toolkit} PATH_SUFFIXES include NO_CACHE)
find_path(nccl_include nccl.h HINTS ${nvidia_includes} ${torch_root}/include PATHS ${cuda_toolkit} PATH_SUFFIXES include NO_CACHE)
list(APPEND archived_cudart NOTFOUND)
list(GET archived_cudart 0 cudart_library)
find_library(cudart_library NAMES libcudart.so.13 libcudart.so.12 cudart HINTS ${nvidia_libraries}
             PATHS ${cuda_toolkit} PATH_SUFFIXES lib64 lib NO_CACHE)
list(APPEND archived_nccl NOTFOUND)
list(GET archived_nccl 0 nccl_library)
find_library(nccl_library NAMES libnccl.so.2 nccl HINTS ${nvidia_libraries} PATHS ${cuda_toolkit} PATH_SUFFIXES lib64 lib NO_CACHE)

add_library(pleat_torch INTERFACE)
# -idirafter: torch ships its own fmt, which must not hide the system's (spdlog needs that one).
target_compile_options(pleat_torch INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${torch_root}/include>"
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${torch_root}/include/torch/csrc/api/include>")
# ATen's parallel_for is in a header: compiled without OpenMP, it silently runs on one thread. The OpenMP runtime must
# be LibTorch's own (archives rename it), or at::set_num_threads has no effect.
file(GLOB torch_gomp ${torch_root}/lib/libgomp*.so*)
list(APPEND torch_gomp gomp)
list(GET torch_gomp 0 torch_gomp)
target_compile_options(pleat_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_compile_definitions(pleat_torch INTERFACE USE_DISTRIBUTED)
target_link_directories(pleat_torch INTERFACE ${torch_root}/lib)
target_link_options(pleat_torch INTERFACE -Wl,--no-as-needed)
target_link_libraries(pleat_torch INTERFACE torch_cpu c10 ${torch_gomp})  # not torch, which links the CUDA half too

# Builds the CUDA half if PLEAT_CUDA allows it, LibTorch has one and everything above was found. CMake decides this, not an #ifdef.
set(PLEAT_NCCL OFF)
if(PLEAT_CUDA AND EXISTS ${torch_root}/lib/libtorch_cuda.so AND cuda_include AND nccl_include AND cudart_library AND nccl_library)
  set(PLEAT_NCCL ON)
  add_library(pleat_torch_cuda INTERFACE)
  target_include_directories(pleat_torch_cuda SYSTEM INTERFACE ${cuda_include} ${nccl_include})
  target_compile_definitions(pleat_torch_cuda INTERFACE USE_C10D_NCCL)
  target_link_libraries(pleat_torch_cuda INTERFACE pleat_torch torch_cuda c10_cuda ${cudart_library} ${nccl_library})
endif()
message(STATUS "NCCL backend: ${PLEAT_NCCL}")
if(PLEAT_CUDA AND EXISTS ${torch_root}/lib/libtorch_cuda.so AND NOT PLEAT_NCCL)
  message(WARNING "This LibTorch has CUDA, but pleat will train on the CPU only, because some of these were not found: "
                  "cuda_runtime_api.h (${cuda_include}), nccl.h (${nccl_include}), libcudart (${cudart_library}), "
                  "libnccl (${nccl_library}). Install them, or set CUDA_HOME.")
endif()

# Library folders for the installed program. CMake would omit those inside the source folder, such as .venv.
set(PLEAT_TORCH_RPATH ${torch_root}/lib)
if(PLEAT_NCCL)
  foreach(library ${cudart_library} ${nccl_library})
    cmake_path(GET library PARENT_PATH folder)
    list(APPEND PLEAT_TORCH_RPATH ${folder})
  endforeach()
  list(REMOVE_DUPLICATES PLEAT_TORCH_RPATH)
endif()

# Version from a header that wheels and LibTorch archives both have.
set(PLEAT_TORCH_VERSION unknown)
if(EXISTS ${torch_root}/include/torch/headeronly/version.h)
  file(STRINGS ${torch_root}/include/torch/headeronly/version.h lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9]+" "." PLEAT_TORCH_VERSION "${lines}")
  string(REGEX REPLACE "^\\.|\\.$" "" PLEAT_TORCH_VERSION "${PLEAT_TORCH_VERSION}")
endif()
