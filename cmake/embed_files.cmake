# Embeds text files in a C++ header, so that the installed program does not need them.
#   cmake -DFOLDER=folder -DFILES=a.py,b/c.py -DNAME=kConstant -DHEADER=out.h -P embed_files.cmake
# The header defines an array of EmbeddedFile: the name in the folder, and the text.
string(REPLACE "," ";" names ${FILES})
set(entries "")
foreach(name IN LISTS names)
  file(READ ${FOLDER}/${name} text)
  string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(WRITE ${HEADER} "// Made by embed_files.cmake.\n#pragma once\n\n#include <string_view>\n\nnamespace pleat {\n"
     "struct EmbeddedFile {\n  std::string_view name, text;\n};\n"
     "inline constexpr EmbeddedFile ${NAME}[] = {\n${entries}};\n}\n")
