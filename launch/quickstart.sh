#!/usr/bin/env bash
# Installs into .venv, edits a photo that comes with scikit-image at once, by copying; then trains on it, so that
# a network paints what cannot be copied, and writes a report page.
#   bash launch/quickstart.sh [workdir]     (default: runs/quickstart; the copied edits: runs/quickstart-copied)
set -euo pipefail
cd "$(dirname "$0")/.."
. launch/install.sh
echo "installing (into ${DEEPSIM_VENV:-.venv}) ..."
install_checkout

photo=$(python -c 'import pathlib, skimage.data; print(pathlib.Path(skimage.data.__file__).parent / "chelsea.png")')
workdir=${1:-runs/quickstart}
for recipe in launch/edits/*.json; do
  echo "edit, with nothing trained: $(basename "$recipe" .json)"
  python -m deepsim_jax.main --mode=edit --config=configs/quickstart.py --config.data.image="$photo" \
    --input="$recipe" --output="$workdir-copied/$(basename "$recipe" .json).png" --keep=auto
done
echo "open $workdir-copied; training a network on the photo, a few minutes (Ctrl-C stops, the same command goes on)"
python -m deepsim_jax.main --config=configs/quickstart.py --workdir="$workdir" \
  --config.data.image="$photo"
for recipe in launch/edits/*.json; do
  echo "edit: $(basename "$recipe" .json)"
  python -m deepsim_jax.main --mode=edit --workdir="$workdir" --input="$recipe" \
    --output="$workdir/$(basename "$recipe" .json).png" --keep=auto
done
echo "open $workdir/report.html in a browser, beside it $workdir-copied"
