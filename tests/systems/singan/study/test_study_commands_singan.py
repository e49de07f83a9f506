"""The tables on the command line: what they are trained with; what they compute is tested beside."""

import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Call
from deepsim_jax.systems.singan import build as singan
from deepsim_jax.systems.singan import verbs
from deepsim_jax.systems.singan.study import commands, tables


@pytest.mark.slow
def test_tables_are_trained_with_the_config(tmp_path, monkeypatch, scene):
    config, found = settings.load("singan_quickstart:tiny"), {}

    def as_call(rows, config):
        return Call("table", "table", tmp_path, {"rows": rows, "inception": None}, config)

    for name in ("samples", "enlarging", "inpainted"):
        monkeypatch.setattr(
            tables,
            name,
            lambda *given, name=name, **options: found.update({name: (given, options)}),
        )
    for table in verbs.TABLES:
        specs = ["skimage:coffee"] if table.needs_input else []
        commands.table(as_call(table.name, config), specs)
    assert set(found) == {"samples", "enlarging", "inpainted"} and found["inpainted"][1]["side"] == 26
    with pytest.raises(UserError, match="pictures of its own"):
        commands.table(as_call("inpainting", config), ["a"])
    with pytest.raises(UserError, match="the config is for deepsim"):
        commands.table(as_call("samples", settings.load("quickstart")), ["a"])
    train = found["samples"][0][2]
    learned = train(scene, tmp_path / "run")
    assert learned.scales == 2


def test_for_enlarging_the_published_pyramid_is_planned():
    config = settings.load("singan_quickstart")
    changed = settings.validate(commands.for_enlarging(config, 4))
    # Six steps of the cube root of 2, down to 18 pixels.
    assert changed.pyramid.factor == pytest.approx(0.5 ** (1 / 3)) and changed.pyramid.min_size == 18
    assert changed.loss.reconstruction == 100 and config.loss.reconstruction == 10
    assert singan.plan(changed, (80, 96)).sizes[0][0] == 18
