#!/usr/bin/env bash
# Benchmarks pleat against peers; not part of the tests. Passes its arguments to tests/bench/run.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
launch/setup.sh --test
cmake --workflow --preset release >/dev/null
exec .venv/bin/python tests/bench/run.py "$@"
