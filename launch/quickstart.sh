#!/usr/bin/env bash
# From a fresh clone to a trained ensemble: sets up, builds, prepares Fashion-MNIST, trains 5 folds on 2 ranks.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=launch/mpi_env.sh
source launch/mpi_env.sh

launch/setup.sh
echo "quickstart: building (several minutes the first time; build/build.log)"
mkdir -p build
{ cmake --preset release && cmake --build --preset release --target pleat; } >build/build.log 2>&1 || { tail -30 build/build.log; exit 1; }

images=/usr/share/datasets/fashion-mnist  # from the Debian package dataset-fashion-mnist
mkdir -p data
if [ ! -f data/fashion_mnist.h5 ]; then
  build/pleat prepare --idx-images "$images"/train-images-idx3-ubyte.gz --idx-labels "$images"/train-labels-idx1-ubyte.gz \
    --idx-test-images "$images"/t10k-images-idx3-ubyte.gz --idx-test-labels "$images"/t10k-labels-idx1-ubyte.gz \
    --out data/fashion_mnist.h5
fi
mpirun --bind-to none --oversubscribe -n 2 build/pleat train configs/quickstart.yaml "$@"
