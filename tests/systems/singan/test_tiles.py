import jax
import numpy as np
import pytest

from deepsim_jax.systems.singan import networks, tiles


@pytest.mark.parametrize("options", [{}, {"margin": 10, "running": True}], ids=str)
def test_tiles_make_what_the_whole_makes(untrained_pyramid, monkeypatch, options):
    """26x34 px in tiles of 15x15, at the 4 channels of these networks."""
    learned, rng, sizes = untrained_pyramid(**options), np.random.default_rng(1), []
    previous = rng.uniform(-0.8, 0.8, (1, 26, 34, 3)).astype(np.float32)
    noise = rng.normal(size=(1, 26 + learned.margin, 34 + learned.margin, 3)).astype(np.float32)
    whole = np.clip(learned.apply(2, noise, previous), -1, 1)
    monkeypatch.setattr(tiles, "_IN_A_TILE", 15 * 15 * 4)
    stack = networks.Stack.__call__

    def seen(self, x, **options):
        sizes.append(x.shape[1:3])
        return stack(self, x, **options)

    monkeypatch.setattr(networks.Stack, "__call__", seen)
    given, told = (learned, 2, jax.numpy.asarray(noise), jax.numpy.asarray(previous)), []
    made = tiles.generate(*given, done=lambda: told.append(1))
    np.testing.assert_allclose(made, whole, atol=2e-5)
    assert set(sizes) == {(25, 25)}
    assert len(told) == tiles.count_parts(learned, 2, (26, 34)) == 6 * (1 if options else 5)

    def give_up():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tiles.generate(*given, done=give_up)


def test_large_layers_are_told(untrained_pyramid):
    learned = untrained_pyramid()
    assert not tiles.are_needed(learned, 2, (4096, 8192))  # of 4 channels: 2**27 values
    assert tiles.are_needed(learned, 2, (4097, 8192))
