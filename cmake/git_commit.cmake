# Run at build time (cmake -DSOURCE=… -DHEADER=… -P): writes the git commit into a header. An unchanged header keeps its
# time stamp, so nothing is rebuilt. Uncommitted changes add a hash: ranks of different builds must not look the same.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git rev-parse --short=12 HEAD WORKING_DIRECTORY ${SOURCE}
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(commit)
  set(sources src data_tools cmake CMakeLists.txt)
  execute_process(COMMAND git diff --no-ext-diff HEAD -- ${sources} WORKING_DIRECTORY ${SOURCE}
                  OUTPUT_VARIABLE changes ERROR_QUIET)
  execute_process(COMMAND git ls-files --others --exclude-standard -- ${sources} WORKING_DIRECTORY ${SOURCE}
                  OUTPUT_VARIABLE added ERROR_QUIET)
  if(changes OR added)
    string(SHA256 hash "${changes}${added}")
    string(SUBSTRING ${hash} 0 8 hash)
    string(APPEND commit "-dirty-${hash}")
  endif()
else()
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define PLEAT_GIT_COMMIT \"${commit}\"\n")
