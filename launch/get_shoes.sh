#!/usr/bin/env bash
# Gets the MNIST-family files of Fashion-MNIST (70,000 grey product photos of 28x28 px; classes 5, 7 and 9
# are 21,000 shoes; MIT, Zalando) from Debian's package, without installing it.
#   bash launch/get_shoes.sh [folder]     (default: shoes)
# On another system put the four files of https://github.com/zalandoresearch/fashion-mnist into a folder;
# this program reads the gzipped files as they are.
set -euo pipefail
folder=$(realpath -m "${1:-shoes}")
if ! command -v apt-get >/dev/null; then
  echo "no apt-get here: download the four .gz files of Fashion-MNIST into $folder instead" >&2
  exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && apt-get -o APT::Sandbox::User="$(id -un)" download dataset-fashion-mnist)
dpkg -x "$scratch"/dataset-fashion-mnist_*.deb "$scratch/unpacked"
mkdir -p "$folder"
cp "$scratch"/unpacked/usr/share/datasets/fashion-mnist/*.gz "$folder"
echo "$folder: $(ls "$folder" | wc -l) files; train with"
echo "  deepsim_jax train --config=configs/igan_quickstart.py --workdir=runs/shoes \\"
echo "    --config.data.pictures=$folder --config.data.classes=5,7,9"
