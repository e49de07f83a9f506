"""What the estimation sees of a primitive."""

import numpy as np
import pytest

from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim.copying import channels


def test_every_label_has_a_vector_and_a_grey_of_its_own(drawing):
    drawn, spec = drawing("seg")
    parts = channels.take_apart(drawn, spec)
    seen = channels.Channels(parts, spec).draw(parts)
    assert seen.planes.shape == (96, 128, 4) and np.array_equal(seen.planes.sum(-1), np.ones((96, 128)))
    assert {0, 85, 170, 255} <= set(np.unique(seen.greys[0]).tolist())
    # Two greys that are hardly apart are as different as any.
    close = np.full((40, 40, 3), 100, np.uint8)
    close[10:30, 10:30] = 112
    close, spec = primitives.analyse(close, "seg")
    parts = channels.take_apart(close, spec)
    assert np.ptp(channels.Channels(parts, spec).draw(parts).greys[0]) == 255


def test_many_labels_share_the_planes():
    draw = np.random.default_rng(0)
    drawn = np.kron(draw.integers(0, 8, (6, 6, 3)) * 36, np.ones((8, 8, 1), int)).astype(np.uint8)
    drawn, spec = primitives.analyse(drawn, "seg")
    parts = channels.take_apart(drawn, spec)
    planes = channels.Channels(parts, spec).draw(parts).planes
    assert planes.shape[-1] == channels.LABEL_PLANES
    assert np.linalg.norm(planes, axis=-1) == pytest.approx(1, abs=1e-5)
