"""Whether a network paints better than the copy: tests on the photo, whose answers are known."""

import dataclasses

import numpy as np
import pytest

from deepsim_jax.systems.deepsim import pair
from deepsim_jax.systems.deepsim.copying import painting


@pytest.fixture(scope="module")
def source(drawing):
    """The drawn face, with a photo of its colours under ripples and noise."""
    drawn, spec = drawing("seg")
    y, x = np.mgrid[:96, :128]
    ripples = 30 * np.sin(x / 5) * np.cos(y / 7) + np.random.default_rng(0).normal(0, 4, x.shape)
    photo = np.clip(0.7 * drawn + 40 + ripples[..., None], 0, 255).astype(np.uint8)
    return pair.Source(photo=photo, image=photo, primitive=drawn, spec=spec)


def test_what_is_asked_for_is_known_and_lacking(source):
    found, again, others = (painting.draws(source, seed=seed) for seed in (0, 0, 1))
    assert len(found) == len(others) == painting.DRAWS
    for one, same, other in zip(found, again, others, strict=True):
        np.testing.assert_array_equal(one.copied.picture, same.copied.picture)
        assert (one.truth != other.truth).any()
        lacking = one.copied.lacking
        assert painting.LACKING[0] <= lacking.mean() <= painting.LACKING[1]
        wrong = np.abs(one.copied.picture.astype(int) - one.truth).mean(-1)
        assert wrong[lacking].mean() > 3 * np.median(wrong)


def test_a_perfect_network_paints_better_and_a_blind_one_worse(source):
    answers = {draw.drawing.tobytes(): draw.truth for draw in painting.draws(source)}
    perfect = painting.compare(source, lambda drawn: answers[drawn.tobytes()])
    noise = np.random.default_rng(1).integers(0, 256, source.image.shape, np.uint8)
    blind = painting.compare(source, lambda drawn: noise)
    assert perfect.copied == blind.copied > 1.2 * perfect.painted
    assert perfect.is_painted_better and not blind.is_painted_better


def test_what_cannot_be_tested_is_painted(source, caplog):
    small = dataclasses.replace(
        source, image=source.image[:24, :24], primitive=source.primitive[:24, :24]
    )
    plain = dataclasses.replace(source, primitive=np.full_like(source.primitive, source.primitive[0, 0]))
    for one in (small, plain):
        assert painting.compare(one, pytest.fail) is None
        assert painting.choose(one, pytest.fail, steps=1) == "both" and not caplog.messages
