#!/usr/bin/env bash
# Measures speed on CUDA devices. Run it by hand; it is not part of the tests. Passes its arguments to
# tests/gpu/throughput.py. Without a device it only prints the reason.
set -euo pipefail
cd "$(dirname "$0")/../.."
launch/setup.sh --test >/dev/null
.venv/bin/python tests/gpu/devices.py || exit 0
[ -n "${PLEAT_BUILD:-}" ] || cmake --workflow --preset release >/dev/null # given: measured as it is
exec .venv/bin/python tests/gpu/throughput.py "$@"
