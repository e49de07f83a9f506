#!/usr/bin/env bash
# Installs into .venv, trains on a photo that comes with scikit-image, edits it, writes a report page.
#   bash launch/quickstart.sh [workdir]     (default: runs/quickstart)
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/install.sh
echo "installing (into ${DEEPSIM_VENV:-.venv}) ..."
install_checkout

photo=$(python -c 'import pathlib, skimage.data; print(pathlib.Path(skimage.data.__file__).parent / "chelsea.png")')
workdir=${1:-runs/quickstart}
python -m deepsim_jax.main --config=configs/quickstart.py --workdir="$workdir" \
  --config.data.image="$photo"
for recipe in launch/edits/*.json; do
  echo "edit: $(basename "$recipe" .json)"
  python -m deepsim_jax.main --mode=edit --workdir="$workdir" --input="$recipe" \
    --output="$workdir/$(basename "$recipe" .json).png" --keep=auto
done
echo "open $workdir/report.html in a browser"
