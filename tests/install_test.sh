#!/usr/bin/env bash
# The installed program finds its libraries and modules: installs into a scratch prefix, starts it there, and has it seek
# a face.
#   tests/install_test.sh CMAKE BUILD_FOLDER
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
"$1" --install "$2" --prefix "$prefix" >/dev/null
env -u LD_LIBRARY_PATH "$prefix/bin/pleat" --version

pleat() { env -u LD_LIBRARY_PATH "$prefix/bin/pleat" "$@" >"$prefix/log" 2>&1 || { cat "$prefix/log"; exit 1; }; }
pleat make-faces --out "$prefix/faces" --persons 1
images=$prefix/faces/train/images
printf 'id,path\n1,%s\n' "$(cd "$images" && ls */normal.jpg)" >"$prefix/one.csv"
pleat prepare --table "$prefix/one.csv" --images "$images" --crop face --out "$prefix/crops.h5"
