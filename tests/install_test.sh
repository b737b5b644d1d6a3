#!/usr/bin/env bash
# The installed program finds its libraries: installs into a scratch prefix and starts it there.
#   tests/install_test.sh CMAKE BUILD_FOLDER
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
"$1" --install "$2" --prefix "$prefix" >/dev/null
env -u LD_LIBRARY_PATH "$prefix/bin/pleat" --version
