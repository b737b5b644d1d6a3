#!/usr/bin/env bash
# Building the target `pleat` alone brings the modules back.   modules_test.sh CMAKE BUILD_FOLDER NCCL(ON|OFF)
set -euo pipefail
cmake=$1 build=$2 nccl=$3
modules=(libpleat_faces.so)
if [ "$nccl" = ON ]; then modules+=(libpleat_cuda.so); fi
for module in "${modules[@]}"; do rm -f "$build/$module"; done
"$cmake" --build "$build" --target pleat >"$build/modules_test.log" 2>&1 || { cat "$build/modules_test.log"; exit 1; }
for module in "${modules[@]}"; do
  if [ ! -f "$build/$module" ]; then echo "the target pleat does not build $module"; exit 1; fi
done
echo "the target pleat builds ${modules[*]}"
