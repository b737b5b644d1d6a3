# Makes a C++ header of a text file, so that the program needs no such file where it is installed.
#   cmake -DTEXT=file -DNAME=kConstant -DHEADER=out.h -P embed_text.cmake
file(READ ${TEXT} text)
cmake_path(GET TEXT FILENAME name)
file(WRITE ${HEADER} "// Made of ${name} by embed_text.cmake.\n#pragma once\n\n#include <string_view>\n\nnamespace pleat {\n"
     "inline constexpr std::string_view ${NAME} = R\"embedded(${text})embedded\";\n}\n")
