"""The tables of SinGAN on the command line: trains on what each of them compares."""

from collections.abc import Sequence

from deepsim_jax.config.flat import flatten
from deepsim_jax.errors import UserError
from deepsim_jax.systems import runs
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.singan import pyramid, source
from deepsim_jax.systems.singan.config import SCHEMA
from deepsim_jax.systems.singan.study import tables
from deepsim_jax.systems.singan.training import TRAINING

_TIMES = 4  # of the table of enlarged photos, as published


def table(call: Call, inputs: Sequence[str]) -> dict:
    """Trains on every photo, and measures what is made.

    Args:
      call: with "rows", "inception" and a config of SinGAN; enlarging changes it (`for_enlarging`).
      inputs: photos, see `images.collections.find`; none for "inpainting", which has pictures of its own.

    Returns:
      The content of `table.json`.

    Raises:
      UserError: another system's config, or unusable photos.
    """
    config = call.needed_config
    if config.system != SCHEMA.system:
        raise UserError(
            f"--rows={call.rows} is a table of SinGAN, the config is for {config.system}; take "
            "one such as singan_quickstart"
        )
    if call.rows == "inpainting" and inputs:
        raise UserError("--rows=inpainting has damaged pictures of its own: leave --input out")
    trained = for_enlarging(config, _TIMES) if call.rows == "enlarging" else config

    def train(photo, folder):
        model = runs.train(TRAINING, source.Photo(photo), source.without_path(trained), folder)
        return model.learned if model.finished else None

    common = {"settings": flatten(config), "seed": config.seed}
    if call.rows == "inpainting":
        return tables.inpainted(call.folder, train, side=config.pyramid.max_size, **common)
    if call.rows == "enlarging":
        return tables.enlarging(call.folder, inputs, train, times=_TIMES, **common)
    return tables.samples(call.folder, inputs, train, inception=call.inception, **common)


def for_enlarging(config, times: float):
    """A copy of a config with the pyramid and the weights that are published for super-resolution."""
    step, _ = pyramid.enlarging_steps(times)
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.pyramid.factor, config.pyramid.min_size = 1 / step, 18
        config.pyramid.steps, config.loss.reconstruction = "published_sr", 100.0
    return config
