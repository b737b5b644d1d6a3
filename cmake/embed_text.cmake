# Embeds a text file in a C++ header, so that the installed program does not need the file.
#   cmake -DTEXT=file -DNAME=kConstant -DHEADER=out.h -P embed_text.cmake
file(READ ${TEXT} text)
cmake_path(GET TEXT FILENAME name)
file(WRITE ${HEADER} "// Made of ${name} by embed_text.cmake.\n#pragma once\n\n#include <string_view>\n\nnamespace pleat {\n"
     "inline constexpr std::string_view ${NAME} = R\"embedded(${text})embedded\";\n}\n")
