#!/usr/bin/env bash
# Trains with all machines of a Cloud TPU VM slice, one process per machine. From your own computer, with
# the gcloud command logged in and its project and zone set:
#   TPU=my-slice FILES=me.jpg bash launch/tpu_vm.sh --workdir=runs/me --config=configs/paper.py \
#     --config.data.image=me.jpg --config.train.batch=32
# The batch must be a multiple of the number of machines. The same command goes on where a run stopped.
#   TPU     name of the slice
#   FILES   files and folders of the checkout that git does not know and the run reads, e.g. the photo
# The run's folder lies on the first machine alone; afterwards
#   gcloud compute tpus tpu-vm scp --recurse --worker=0 my-slice:deepsim_jax/runs/me runs/
set -euo pipefail
cd "$(dirname "$0")/.."
: "${TPU:?set TPU to the name of the slice}"
package=$(mktemp -d)
trap 'rm -r "$package"' EXIT
# shellcheck disable=SC2086  # several names
git ls-files -z -- . | tar --create --gzip --file "$package/deepsim_jax.tgz" --null --files-from=- --no-null \
  ${FILES:-}
gcloud compute tpus tpu-vm scp --worker=all "$package/deepsim_jax.tgz" "$TPU:"
# The slice's own Python may be too old.
gcloud compute tpus tpu-vm ssh "$TPU" --worker=all --command "set -e
  mkdir -p deepsim_jax && tar -xzf deepsim_jax.tgz -C deepsim_jax && cd deepsim_jax
  . launch/install.sh
  (find_python) >/dev/null 2>&1 || { sudo apt-get update -q; sudo apt-get install -qy python3.11-venv; }
  install_checkout tpu
  python -m deepsim_jax.main --distributed $(printf '%q ' "$@")"
