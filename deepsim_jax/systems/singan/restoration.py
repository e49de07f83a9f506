"""Inpainting from start to end: reads a damaged picture, trains SinGAN on it, fills the hole."""

from deepsim_jax.config import files
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.images import masks
from deepsim_jax.systems import runs
from deepsim_jax.systems.singan import build, inpainting, source
from deepsim_jax.systems.singan.config import SCHEMA
from deepsim_jax.systems.singan.inpainting import Inpainted
from deepsim_jax.systems.singan.training import TRAINING


def inpaint(
    image,
    mask,
    reference=None,
    *,
    config="singan_quickstart",
    workdir,
    grow: int = 0,
    trained_on: str = "filled",
    start_scale: int | None = None,
    seed: int = 0,
) -> Inpainted:
    """Fills the hole of a picture with SinGAN's help.

    Args:
      image: path or uint8 array (H, W, 3) of the damaged picture.
      mask: the hole: an array or a file, white = the hole, a .json of polygons, or words such as
        "bright:220" for subtitles (`images.masks`).
      reference: path or array of a picture of this size that resembles the whole undamaged one, such as
        a neighbouring frame; None: SinGAN adds its patches to a guess, which is worse (`results/`).
      config: of SinGAN, as for `train`.
      workdir: of the training; if it was trained on this picture and hole already, nothing is trained.
      grow: pixels by which the hole is widened, because letters have soft borders.
      trained_on: "filled" or "damaged", see `inpainting.training_picture`.
      start_scale: the scale that the reference is put into, 1 or finer; None: chosen.
      seed: of the noise.

    Returns:
      The filled picture, and what it was made from.

    Raises:
      UserError: an unusable picture, mask, reference, config or folder.
      KeyboardInterrupt: the training was stopped; the same call goes on where it was.
    """
    config = files.open_config(config)
    if config.system != SCHEMA.system:
        raise UserError(
            f"inpainting needs a config of SinGAN, this one is for {config.system!r}; take "
            "singan_quickstart"
        )
    config = source.without_path(config)
    picture, _ = images.read_photo(image, name="image")
    hole = masks.read(mask, picture, grow=grow)
    scales = build.plan(config, picture.shape[:2]).sizes
    # Checked now, and not after a training.
    if len(scales) < 2:
        raise UserError(
            "inpainting puts a picture into scale 1 or a finer one, and this config has a single scale: "
            f"leave pyramid.keep={config.pyramid.keep} out, or make it 2 or more"
        )
    if start_scale is not None and not 1 <= start_scale < len(scales):
        raise UserError(
            f"start scale {start_scale}: allowed are 1 (the coarsest that a picture can be "
            f"put into) to {len(scales) - 1} (the finest)"
        )
    if reference is not None:
        reference = inpainting.read_reference(reference, picture, scales[-1])
    photo = inpainting.training_picture(picture, hole, trained_on=trained_on)
    model = runs.train(TRAINING, source.Photo(photo), config, workdir)
    if not model.finished:
        raise KeyboardInterrupt
    return inpainting.inpaint(model.learned, picture, hole, reference, start_scale=start_scale, seed=seed)
