add_library(pleat_warnings INTERFACE)
target_compile_options(pleat_warnings INTERFACE -Wall -Wextra -Wno-missing-field-initializers
    # All are wrong in GCC 12: two about std::string's operator+ (its bug 105651), the last about strings that a braced
    # initialiser leaves to their defaults.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict
    -Wno-stringop-overflow -Wno-maybe-uninitialized>)
if(PLEAT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
