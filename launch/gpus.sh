#!/usr/bin/env bash
# Trains with all GPUs of one machine, in one process that shares the batch among them.
#   bash launch/gpus.sh --workdir=runs/me --config=configs/paper.py --config.data.image=me.jpg \
#     --config.train.batch=8
#   CUDA_VISIBLE_DEVICES=0,1   which GPUs (default: all); as many are used as divide the batch
#   DEEPSIM_VENV               the environment (default: .venv in the checkout); made if it is missing
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/install.sh
if [ -x "${DEEPSIM_VENV:-.venv}/bin/deepsim_jax" ]; then
  PATH="${DEEPSIM_VENV:-$PWD/.venv}/bin:$PATH"
else
  install_checkout cuda
fi
exec python -m deepsim_jax.main "$@"
