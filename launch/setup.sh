#!/usr/bin/env bash
# Installs what pleat is built from: Debian packages (as root) and LibTorch in .venv. Run it again at any time: what is
# there already is left alone.   launch/setup.sh [--test]   --test: also what the parity tests need
set -euo pipefail
cd "$(dirname "$0")/.."

missing_packages() {
  sed 's/#.*//' packages.txt | while read -r package; do
    [ -n "$package" ] || continue
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || echo "$package"
  done
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; packages.txt says what must be there (docs/cluster.md: modules, Apptainer)" >&2
    return
  fi
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these packages are missing and need root: ${missing[*]}" >&2
    echo "setup: ask for them (apt-get install ${missing[*]}), or see docs/cluster.md; going on with what is there" >&2
    return
  fi
  echo "setup: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# $1: requirements file. A stamp of its contents makes the second run instant, and a changed pin is installed.
install_wheels() {
  local stamp=.venv/$1.installed
  if [ -f "$stamp" ] && cmp -s "$1" "$stamp"; then return; fi
  echo "setup: installing $1 into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$1"
  cp "$1" "$stamp"
}

install_packages
if [ -n "${CMAKE_PREFIX_PATH:-}" ] && [ "${1:-}" != --test ] && compgen -G "${CMAKE_PREFIX_PATH%%:*}/share/cmake/Torch" >/dev/null; then
  echo "setup: using the LibTorch in $CMAKE_PREFIX_PATH"
  exit 0
fi
[ -x .venv/bin/python ] || python3 -m venv .venv
install_wheels requirements.txt
if [ "${1:-}" = --test ]; then install_wheels requirements-test.txt; fi
echo "setup: ready"
