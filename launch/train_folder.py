"""Trains a network for every photo of a folder, one after the other, on this machine.

    python launch/train_folder.py --input=photos/ --workdir=runs/album --config=quickstart \\
        [--config.train.steps=1000 ...] [--extend]

The same as `deepsim_jax train_folder ...`. The runs are `runs/album/<file name>/`, the summary is
`runs/album/album.json`. The same command goes on with what is not trained yet. Exit code: 0 all trained,
1 some failed, 2 wrong usage, 130 stopped. `ray_folder.py` beside it does the same with many workers, GPUs
and machines.
"""

import sys

from deepsim_jax import main
from deepsim_jax.runtime import hugepages

if __name__ == "__main__":
    hugepages.restart()
    sys.exit(main.main([sys.argv[0], "train_folder", *sys.argv[1:]]))
