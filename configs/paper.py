"""The paper's configuration: 16,000 steps of the full generator (182 M parameters).

    deepsim_jax train --config=configs/paper.py --workdir=runs/photo \\
        --config.data.image=photo.jpg

Time: the steps take 60 s at 256x256 and 112 s at 480x480 on one H200 with --config.model.dtype=bfloat16
--config.optim.mu_dtype=bfloat16; compilation, half a minute, comes to that (float32: not yet measured).
On two CPU cores a step takes about 2 seconds at 256x256 and 5 at 480x480, the whole run 9 or 24 hours,
and 4 to 5 GiB of memory. A checkpoint takes 2.1 GiB.
Expected score: LPIPS .056 on face_video at 192x192 (held-out frames, edges from the true ones) after
12,000 steps in bfloat16, where the training frame unchanged has .080; the paper reports .216 on
Cityscapes (mean of 16 sequences).

Photos are trained at up to 640 px (`data.max_side`; 0 for their own size: memory and time grow with the
area). The numbers are the published ones, with the paper's rotation of +-10 degrees; the perceptual loss
stands on VGG16, whose weights come with the installation, where the paper's stands on VGG19:

    --config.loss.perceptual=vgg19        (downloads and verifies it; or --config.loss.vgg19_file=)

Options: `paper.py:tiny` shrinks everything for a test; `paper.py:code` follows the published program
where it differs from the paper (VGG inputs not normalised, rotation of +-1 degree, exclusive affine
branch).
"""

from deepsim_jax import settings


def get_config(option: str = ""):
    """The config; `option` is "", "tiny" or "code"."""
    config = settings.default()
    config.data.max_side = 640
    if option == "code":
        config.augment.compat = "code"
        config.augment.rotation = 0.0
        config.loss.perceptual_normalise = False
    settings.apply_option(config, option, known=("code",))
    return config
