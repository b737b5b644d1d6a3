#!/usr/bin/env bash
# Installs pleat's dependencies: Debian packages (as root) and LibTorch in .venv. A repeated call installs only what is
# missing.   launch/setup.sh [--test]   --test: also install what only tests need (packages-test.txt, requirements-test.txt)
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  '' | --test) ;;
  -h | --help) echo "usage: launch/setup.sh [--test]   installs pleat's dependencies; --test: also those of the tests" && exit 0 ;;
  *) echo "setup: unknown argument '$1'; expected --test or nothing" >&2 && exit 2 ;;
esac

# Prints the packages of list $1 that are not installed.
missing_packages() {
  sed 's/#.*//' "$1" | while read -r package; do
    [ -n "$package" ] || continue
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || echo "$package"
  done
}

# Installs the packages of list $1 that are missing.
install_packages() {
  local missing
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; install what $1 lists (docs/cluster.md: Without root, Container)" >&2
    return
  fi
  mapfile -t missing < <(missing_packages "$1")
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these packages are missing and need root: ${missing[*]}" >&2
    echo "setup: ask for them (apt-get install ${missing[*]}), or see docs/cluster.md; continuing without them" >&2
    return
  fi
  echo "setup: installing ${missing[*]}"
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Installs a requirements file ($1) unless its copy in .venv says that the same contents are installed.
install_wheels() {
  local stamp=.venv/$1.installed
  if [ -f "$stamp" ] && cmp -s "$1" "$stamp"; then return; fi
  echo "setup: installing $1 into .venv"
  .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r "$1"
  cp "$1" "$stamp"
}

# Prints the first LibTorch in CMAKE_PREFIX_PATH, in cmake's search order, or nothing.
given_libtorch() {
  local prefixes prefix torch
  IFS=: read -ra prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    for torch in "$prefix" "$prefix"/lib/python3*/site-packages/torch; do
      if [ -d "$torch/share/cmake/Torch" ]; then echo "$torch" && return; fi
    done
  done
}

install_packages packages.txt
if [ "${1:-}" = --test ]; then
  install_packages packages-test.txt || echo "setup: continuing without them; the suites that need them are skipped" >&2
fi
# If python3-venv was missing, .venv has no pip. Recreate it.
.venv/bin/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv && python3 -m venv .venv; }
install_wheels requirements-page.txt
libtorch=$(given_libtorch)
if [ -n "$libtorch" ] && [ "${1:-}" != --test ]; then
  echo "setup: ready, with the LibTorch in $libtorch (from CMAKE_PREFIX_PATH)"
  exit 0
fi
install_wheels requirements.txt
if [ "${1:-}" = --test ]; then install_wheels requirements-test.txt; fi
echo "setup: ready"
