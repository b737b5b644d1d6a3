# pleat_layer(NAME [TORCH] [DEPENDS folders...] [LIBRARIES targets...])
#   makes pleat_NAME of every .cpp in the current folder. DEPENDS are the folders it may include: they are its
#   link line, and tests/check_layers.py holds the #include lines to the same list. TORCH: may use LibTorch (and
#   gets the shared precompiled header); readers of untrusted files live in layers or files without it.
function(pleat_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "TORCH" "" "DEPENDS;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(TRANSFORM layer_DEPENDS PREPEND pleat_)
  add_library(pleat_${name} STATIC ${sources})
  target_include_directories(pleat_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(pleat_${name} PUBLIC ${layer_DEPENDS} ${layer_LIBRARIES} PRIVATE pleat_warnings)
  if(layer_TORCH)
    target_link_libraries(pleat_${name} PUBLIC pleat_torch)
    target_precompile_headers(pleat_${name} REUSE_FROM torch_pch)
  endif()
endfunction()
