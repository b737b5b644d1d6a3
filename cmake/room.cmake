# pleat_room(NAME [TORCH] [GLUE] [DEPENDS rooms...] [LIBRARIES targets...] [PRECOMPILE headers...])
#   Makes the static library pleat_NAME of every .cpp in the current folder.
#   DEPENDS: the rooms that this one may include. They are its link line; tests/check_layers.py holds the #include lines
#     to the same list.
#   TORCH: the room uses LibTorch, and gets the shared precompiled header. A room without TORCH may not depend on one
#     with it, so LibTorch is on neither its include path nor its link line.
#   GLUE: the room has no hot loops. It is compiled with -O1, which takes a fifth less time.
#   PRECOMPILE: a precompiled header of these, in place of the shared one.
function(pleat_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "TORCH;GLUE" "" "DEPENDS;LIBRARIES;PRECOMPILE")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(TRANSFORM room_DEPENDS PREPEND pleat_)
  foreach(below IN LISTS room_DEPENDS)
    get_target_property(below_has_torch ${below} PLEAT_TORCH)
    if(below_has_torch AND NOT room_TORCH)
      message(FATAL_ERROR "${name} is a room without LibTorch, but ${below} links LibTorch")
    endif()
  endforeach()
  add_library(pleat_${name} STATIC ${sources})
  set_target_properties(pleat_${name} PROPERTIES PLEAT_TORCH ${room_TORCH})
  target_include_directories(pleat_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(pleat_${name} PUBLIC ${room_DEPENDS} ${room_LIBRARIES} PRIVATE pleat_warnings)
  if(room_TORCH)
    target_link_libraries(pleat_${name} PUBLIC pleat_torch)
    # Half of a file's compile time is LibTorch's headers, so files are compiled three at a time.
    set_target_properties(pleat_${name} PROPERTIES UNITY_BUILD ${PLEAT_UNITY} UNITY_BUILD_BATCH_SIZE 3)
  endif()
  if(room_GLUE)
    target_compile_options(pleat_${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  endif()
  if(room_PRECOMPILE)
    target_precompile_headers(pleat_${name} PRIVATE ${room_PRECOMPILE})
  elseif(room_TORCH)
    target_precompile_headers(pleat_${name} REUSE_FROM torch_pch)
  endif()
endfunction()

# pleat_without_pch(FILES...): these files of a TORCH room include no LibTorch header, and compile faster alone, without
# the precompiled header.
function(pleat_without_pch)
  set_source_files_properties(${ARGV} PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# pleat_module(NAME INCLUDE folder SOURCES files... LIBRARIES targets...)
#   Makes the module NAME, which the program loads by name at run time, beside the program. The program needs it in place
#   but cannot link it, so pleat_add_modules makes the program's target depend on every module.
function(pleat_module name)
  cmake_parse_arguments(PARSE_ARGV 1 module "" "INCLUDE" "SOURCES;LIBRARIES")
  add_library(${name} MODULE ${module_SOURCES})
  target_include_directories(${name} PRIVATE ${module_INCLUDE})
  target_link_libraries(${name} PRIVATE ${module_LIBRARIES} pleat_warnings)
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} CXX_VISIBILITY_PRESET hidden)
  install(TARGETS ${name} LIBRARY DESTINATION ${PLEAT_MODULES})
  set_property(GLOBAL APPEND PROPERTY PLEAT_MODULE_TARGETS ${name})
endfunction()

# pleat_add_modules(PROGRAM): building PROGRAM alone builds the modules too.
function(pleat_add_modules program)
  get_property(modules GLOBAL PROPERTY PLEAT_MODULE_TARGETS)
  add_dependencies(${program} ${modules})
endfunction()
