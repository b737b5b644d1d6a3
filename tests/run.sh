#!/usr/bin/env bash
# Sets up, builds and runs every test. Arguments go to ctest: tests/run.sh -L unit, tests/run.sh -R folds
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=launch/mpi_env.sh
source launch/mpi_env.sh

launch/setup.sh --test
cmake --workflow --preset release
ctest --preset release --parallel 2 "$@"
