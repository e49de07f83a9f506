"""SinGAN as published: 2,000 iterations on each scale, up to 250 px.

    deepsim_jax train --config=configs/singan_paper.py --workdir=runs/s \\
        --config.data.image=photo.jpg

Time: made for a GPU; by its arithmetic some 17 hours on two CPU cores for a photo of 250x188 px,
of which the finest two scales take nearly all (`benchmarks/singan.py` tells the seconds of each).
Expected score: the paper reports SIFID .09 for samples from the coarsest scale and .05 from the second
coarsest, and a diversity of .50 and .35 (50 photos of Places).

The numbers are the published program's, and z* is drawn anew in each iteration of the coarsest scale, as
there: the published figures were made so. To enlarge photos by a factor of 4, the published changes are

    --config.loss.reconstruction=100 --config.pyramid.min_size=18 \\
        --config.pyramid.steps=published_sr --config.pyramid.factor=0.7937

and to animate them --config.pyramid.min_size=20 --config.noise.margin=true.

Options: `singan_paper.py:tiny` shrinks everything for a test. `singan_paper.py:paper` draws z* once, as
the paper says, which costs variety: samples from the second coarsest scale have a tenth to a seventh of
the diversity (results/README.md). `singan_paper.py:code` has the program's sizes, too, of which a side
may be a pixel longer.
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "", "tiny", "paper" or "code"."""
    config = settings.default("singan")
    config.optim.g_slopes = "first"
    if option == "paper":
        config.noise.compat = "paper"
    if option == "code":
        config.pyramid.compat = "code"
    settings.apply_option(config, option, known=("paper", "code"))
    return config
