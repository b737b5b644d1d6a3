#!/usr/bin/env bash
# Speed against peers, in turn in one run; not part of the tests. Arguments go to tests/bench/run.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
launch/setup.sh --test
cmake --workflow --preset release >/dev/null
exec .venv/bin/python tests/bench/run.py "$@"
