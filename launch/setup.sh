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
  .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r "$1"
  cp "$1" "$stamp"
}

# The first folder of CMAKE_PREFIX_PATH with a LibTorch in it, as cmake looks for it; nothing if there is none.
given_libtorch() {
  local prefixes prefix torch
  IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    for torch in "$prefix" "$prefix"/lib/python3*/site-packages/torch; do
      if [ -d "$torch/share/cmake/Torch" ]; then echo "$torch" && return; fi
    done
  done
}

install_packages
libtorch=$(given_libtorch)
if [ -n "$libtorch" ] && [ "${1:-}" != --test ]; then
  echo "setup: ready, with the LibTorch in $libtorch (from CMAKE_PREFIX_PATH)"
  exit 0
fi
# Without python3-venv, venv leaves an environment that has no pip; it is made anew.
.venv/bin/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv && python3 -m venv .venv; }
install_wheels requirements.txt
if [ "${1:-}" = --test ]; then install_wheels requirements-test.txt; fi
echo "setup: ready"
