"""SinGAN nearly as published: 2,000 iterations on each scale, up to 250 px.

    deepsim_jax train --config=configs/singan_paper.py --workdir=runs/s \\
        --config.data.image=photo.jpg

Time: made for a GPU, not yet measured there; by the seconds of an iteration some 9 hours on two quiet
cores of an AMD EPYC for a photo of 250x188 px, of which the finest two scales take 7.8
(results/README.md; the finest one's 8.5 s are estimated from the 5.5 s of the one below).
Expected score: the paper reports SIFID .09 for samples from the coarsest scale and .05 from the second
coarsest, and a diversity of .50 and .35 (50 photos of Places).

The numbers are the published program's, and z* is drawn anew in each iteration of the coarsest scale, as
there: the published figures were made so. What differs: norms always use each picture's own statistics
(the program's are `--config.model.running_statistics=true`); sizes are whole numbers as in the paper (see
"code" below); the photo's scales are not rounded to grey levels on the way; the updates of a generator
share their adversarial slope, where the program carries it through the weights in between. To enlarge
photos by a factor of 4, the published changes are

    --config.loss.reconstruction=100 --config.pyramid.min_size=18 \\
        --config.pyramid.steps=published_sr --config.pyramid.factor=0.7937

and to animate them --config.pyramid.min_size=20 --config.noise.margin=true.

Options: `singan_paper.py:tiny` shrinks everything for a test. `singan_paper.py:paper` draws z* once, as
the paper says, which costs variety: samples from the second coarsest scale have a tenth to a seventh of
the diversity (results/README.md). `singan_paper.py:code` has the program's sizes, too, which are up to a
few pixels longer.
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
