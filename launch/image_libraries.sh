#!/usr/bin/env bash
# A step of launch/Containerfile: collects the libraries that an installed pleat needs.
#   launch/image_libraries.sh PREFIX OUT
# LibTorch's and CUDA's libraries are copied to OUT/libraries, under the paths that they have here. OUT/packages.txt lists
# the Debian packages of all others.
set -euo pipefail
prefix=$1 out=$2
cd "$(dirname "$0")/.."
site=$(echo "$PWD"/.venv/lib/python3*/site-packages)

roots=("$prefix"/bin/pleat "$prefix"/lib/pleat/*.so)
opened=()  # libraries that others open by name at run time, which ldd does not show
if [ -f "$prefix"/lib/pleat/libpleat_cuda.so ]; then
  opened=("$site"/torch/lib/libcaffe2_nvrtc.so "$site"/torch/lib/libtorch_cuda_linalg.so
          "$site"/nvidia/cudnn/lib/libcudnn*.so.* "$site"/nvidia/*/lib/libnvrtc-builtins.so.*)
fi

linked=$(ldd "${roots[@]}" "${opened[@]}" | grep -v '^\s*libcuda\.so\.1 ')  # the driver's, which the host lends to a container
if grep 'not found' <<<"$linked" >&2; then echo "image_libraries: these libraries are missing" >&2; exit 1; fi
mapfile -t libraries < <({ printf '%s\n' "${opened[@]}"; awk '$2 == "=>" { print $3 }' <<<"$linked"; } |
                         grep . | xargs realpath -s | sort -u)

mkdir -p "$out"/libraries
for library in "${libraries[@]}"; do
  case $library in
    "$prefix"/*) ;;
    "$site"/*) cp --parents --dereference "$library" "$out"/libraries ;;
    # dpkg knows some files by a path without the /usr that the merged folders add.
    *) owner=$(realpath "$library") && dpkg-query -S "*${owner#/usr}" | cut -d: -f1 ;;
  esac
done | sort -u >"$out"/packages.txt
