"""The coarse-to-fine generator for larger photos: a global trunk at half size and a local enhancer.

    deepsim_jax train --config=configs/local_enhancer.py --workdir=runs/large \\
        --config.data.image=photo.jpg

As in pix2pixHD's recipe for large pictures: 32 filters, 3 discriminator scales, up to 1024 px. The
generator has 183 M parameters and works at the size of the photo without the memory of a full-width
network there.
Time: made for a GPU or TPU; on two CPU cores about 20 seconds a step at 1024x768.
Expected score: none published for single photos; compare previews in the run's `samples/`.

Options: `local_enhancer.py:tiny` shrinks everything for a test.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "" or "tiny"."""
    config = settings.default()
    config.data.max_side = 1024
    config.model.generator = "local"
    config.model.filters = 32
    config.model.d_scales = 3
    settings.apply_option(config, option)
    return config
