#!/usr/bin/env bash
# Run in the image, as its user: the program, its libraries and its modules work, and two ranks train.
#   podman run --rm -v "$PWD"/tests/container/check_image.sh:/check.sh:ro pleat bash /check.sh
set -euo pipefail
[ "$(id -u)" -ne 0 ] || { echo "check_image: run this as the image's user, not as root" >&2; exit 1; }
cd "$(mktemp -d)"

if ldd /usr/local/bin/pleat /usr/local/lib/pleat/*.so | grep 'not found'; then exit 1; fi
pleat --version
mpirun --bind-to none --oversubscribe -n 2 pleat doctor
pleat make-faces --out faces --persons 12 >/dev/null
pleat person-folders --csv faces/train/train.csv --images faces/train/images --out faces.csv
pleat prepare --table faces.csv --images faces/train/images --out faces.h5 --size 16 --crop face
cat >tiny.yaml <<'YAML'
data: {crops: faces.h5, group: person}
targets: [{name: mask}]
folds: {k: 2}
models: [{name: resnet20}]
train: {epochs: 2, batch: 16}
cluster: {threads: 1}
YAML
mpirun --bind-to none --oversubscribe -n 2 pleat train tiny.yaml
ls runs/tiny/round_*/oof.h5
/opt/pleat/launch/local.sh train tiny.yaml --run runs/local
ls runs/local/round_*/oof.h5
