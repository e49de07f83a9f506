"""iGAN as published: DCGAN of 64x64 pictures, z of 100 uniform numbers.

    deepsim_jax train --config=configs/igan_paper.py --workdir=runs/shoes \\
        --config.data.pictures=shoes-64/

5x5 convolutions, 128 channels at half the size and 1,024 at 4x4, batch norm in generator and
discriminator; Adam at 2e-4, batches of 128, discriminator and generator in turns, half squared kernels
times 1e-5. The steps are 25 + 25 epochs of 50,000 pictures (a batch of the published program trains one
of both networks); for another number of pictures set train.steps = 50 * pictures / 256, and
encoder.steps alike.

Not as published: the encoder has no batch norm and no squared kernels, and 9,750 steps, half of the
published 19,500 (encoder.steps); the generator's first norm is of each channel, not of each output of
the dense layer; its final statistics are of 512 samples, not of 128,000 (model.statistics).
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
