# torch_library: LibTorch, with NCCL where it has it.
# A LibTorch of the user's (CMAKE_PREFIX_PATH or Torch_DIR) comes first; else the wheel in .venv, whose own
# TorchConfig.cmake wants a full CUDA toolkit, so that an imported target is made by hand.
add_library(torch_library INTERFACE)
set(PLEAT_VENV ${CMAKE_SOURCE_DIR}/.venv CACHE PATH "Virtual environment that holds the torch wheel")
find_package(Torch QUIET HINTS ${CMAKE_PREFIX_PATH} NO_CMAKE_SYSTEM_PATH)

if(Torch_FOUND)
  message(STATUS "LibTorch: the user's, ${TORCH_INSTALL_PREFIX}")
  target_link_libraries(torch_library INTERFACE ${TORCH_LIBRARIES})
  set(torch_root ${TORCH_INSTALL_PREFIX})
else()
  file(GLOB torch_root ${PLEAT_VENV}/lib/python3*/site-packages/torch)
  if(NOT torch_root)
    message(FATAL_ERROR "LibTorch not found: run launch/setup.sh (it fills .venv), or give your own with -DCMAKE_PREFIX_PATH=/path/to/libtorch")
  endif()
  message(STATUS "LibTorch: the wheel ${torch_root}")
  cmake_path(GET torch_root PARENT_PATH site_packages)
  # -idirafter: torch ships its own fmt, which must not hide the system's (spdlog needs that one).
  target_compile_options(torch_library INTERFACE
      "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${torch_root}/include>"
      "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${torch_root}/include/torch/csrc/api/include>")
  target_include_directories(torch_library SYSTEM INTERFACE ${site_packages}/nvidia/cu13/include ${site_packages}/nvidia/nccl/include)
  target_link_directories(torch_library INTERFACE ${torch_root}/lib)
  target_link_options(torch_library INTERFACE -Wl,--no-as-needed)
  target_link_libraries(torch_library INTERFACE torch torch_cpu c10)
  if(EXISTS ${torch_root}/lib/libtorch_cuda.so)
    target_link_libraries(torch_library INTERFACE torch_cuda c10_cuda
        ${site_packages}/nvidia/cu13/lib/libcudart.so.13 ${site_packages}/nvidia/nccl/lib/libnccl.so.2)
  endif()
endif()

# The NCCL half is compiled wherever LibTorch has CUDA and its headers come along; chosen here, not by #ifdef.
set(PLEAT_NCCL OFF)
if(EXISTS ${torch_root}/lib/libtorch_cuda.so)
  set(PLEAT_NCCL ON)
  target_compile_definitions(torch_library INTERFACE USE_C10D_NCCL)
endif()
target_compile_definitions(torch_library INTERFACE USE_DISTRIBUTED)
message(STATUS "NCCL backend: ${PLEAT_NCCL}")

# The header that both a wheel and a LibTorch archive have.
set(PLEAT_TORCH_VERSION unknown)
if(EXISTS ${torch_root}/include/torch/headeronly/version.h)
  file(STRINGS ${torch_root}/include/torch/headeronly/version.h lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9]+" "." PLEAT_TORCH_VERSION "${lines}")
  string(REGEX REPLACE "^\\.|\\.$" "" PLEAT_TORCH_VERSION "${PLEAT_TORCH_VERSION}")
endif()
