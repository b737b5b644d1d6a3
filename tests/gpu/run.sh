#!/usr/bin/env bash
# Speed on CUDA devices, by hand; not part of the tests. Arguments go to tests/gpu/throughput.py. Without a device: says so, in a line.
set -euo pipefail
cd "$(dirname "$0")/../.."
launch/setup.sh --test >/dev/null
.venv/bin/python tests/gpu/devices.py || exit 0
[ -n "${PLEAT_BUILD:-}" ] || cmake --workflow --preset release >/dev/null # given: measured as it is
exec .venv/bin/python tests/gpu/throughput.py "$@"
