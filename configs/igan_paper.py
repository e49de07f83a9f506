"""iGAN as published: DCGAN of 64x64 pictures, z of 100 uniform numbers.

    deepsim_jax train --config=configs/igan_paper.py --workdir=runs/shoes \\
        --config.data.pictures=shoes-64/

5x5 convolutions, 128 channels at half the size and 1,024 at 4x4, batch norm in both networks, whose
statistics are taken anew over many samples after the training; Adam at 2e-4, batches of 128,
discriminator and generator in turns, half squared kernels times 1e-5. The steps are 25 + 25 epochs of
50,000 pictures (a batch of the published program trains one of both networks); for another number of
pictures set train.steps = 50 * pictures / 256, and encoder.steps alike.
Time: made for a GPU; by its arithmetic some 150 hours on two CPU cores.
Expected score: not yet measured.

Options: `igan_paper.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default("igan")
    settings.apply_option(config, option)
    return config
