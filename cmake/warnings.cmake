add_library(pleat_warnings INTERFACE)
target_compile_options(pleat_warnings INTERFACE -Wall -Wextra -Wno-missing-field-initializers
    # Both are wrong about std::string's operator+ in GCC 12 (its bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow>)
if(PLEAT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
