#!/bin/sh
# expect_exit.sh CODE SECONDS COMMAND...: passes if the command exits with CODE in time (137: a rank was killed).
expected=$1 seconds=$2
shift 2
timeout "$seconds" "$@"
code=$?
if [ "$code" = 124 ]; then
  echo "still running after $seconds s: someone hangs" >&2
  exit 1
fi
if [ "$code" != "$expected" ]; then
  echo "exit code $code, expected $expected" >&2
  exit 1
fi
