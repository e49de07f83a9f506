#!/usr/bin/env bash
# Trains with the GPUs of several machines of a SLURM cluster, one process per GPU. From the checkout, in
# a folder that all machines see:
#   sbatch --nodes=2 --gpus-per-node=4 --ntasks-per-node=4 launch/slurm.sh --workdir=runs/me \
#     --config=configs/paper.py --config.data.image=me.jpg --config.train.batch=8
# The batch must be a multiple of the number of processes. The job stops by itself two minutes before its
# time is up; submitted once more, it goes on. Not with --gpus-per-task, which hides the other GPUs of the
# machine: each process picks its own.
#   DEEPSIM_VENV   the environment (default: .venv in the checkout); made if it is missing, which needs
#                  the network: where the machines have none, run `bash launch/gpus.sh --help` before
#SBATCH --job-name=deepsim
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --output=deepsim-%j.log
set -euo pipefail
cd "${SLURM_SUBMIT_DIR:?start it with sbatch}"
. launch/install.sh
if [ -x "${DEEPSIM_VENV:-.venv}/bin/deepsim_jax" ]; then
  PATH="${DEEPSIM_VENV:-$PWD/.venv}/bin:$PATH"
else
  install_checkout cuda
fi
# One process that dies takes the others with it at once.
exec srun --kill-on-bad-exit=1 python -m deepsim_jax.main --distributed "$@"
