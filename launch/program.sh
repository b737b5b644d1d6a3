# shellcheck shell=bash
# Sourced by the scripts beside it.

# Prints the path of pleat: $PLEAT, ../build/pleat, or pleat on the PATH.
find_program() {
  local beside found
  beside=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/pleat
  found=${PLEAT:-$beside}
  if [ -z "${PLEAT:-}" ] && [ ! -x "$found" ]; then found=$(command -v pleat || true); fi
  if [ ! -f "$found" ] || [ ! -x "$found" ]; then
    echo "$(basename "$0"): no program at ${PLEAT:-$beside}${PLEAT:+ (PLEAT)}; build it (cmake --workflow --preset release), put pleat on the PATH, or set PLEAT to the file" >&2
    return 2
  fi
  realpath -s "$found"
}

# Prints words as one would type them in a shell: in quotes where needed.
quoted() {
  local word line=
  for word in "$@"; do
    if [[ ! $word =~ ^[A-Za-z0-9_@%+=:,./-]+$ ]]; then word="'${word//"'"/"'\\''"}'"; fi
    line+=${line:+ }$word
  done
  echo "$line"
}
