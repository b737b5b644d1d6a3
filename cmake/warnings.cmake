add_library(pleat_warnings INTERFACE)
target_compile_options(pleat_warnings INTERFACE -Wall -Wextra -Wno-missing-field-initializers
    # False positives of GCC 12: two in std::string's operator+ (GCC bug 105651), the last for strings that a braced
    # initialiser does not name.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict
    -Wno-stringop-overflow -Wno-maybe-uninitialized>)
if(PLEAT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
