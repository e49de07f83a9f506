import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import inputs

PICTURE = np.random.default_rng(0).integers(0, 256, (12, 14, 3), np.uint8)
FLOAT = PICTURE.astype(np.float32) / 127.5 - 1


@pytest.mark.parametrize("given", [PICTURE, FLOAT, FLOAT.astype(np.float64), jnp.bfloat16(FLOAT)])
def test_a_picture_becomes_a_batch_and_keeps_its_type(given):
    batch, single = inputs.as_batch(given, "it")
    assert single and batch.shape == (1, 12, 14, 3) and batch.dtype == given.dtype
    batch, single = inputs.as_batch(given[None], "it")
    assert not single and batch.shape == (1, 12, 14, 3)


@pytest.mark.parametrize(
    "given, hint",
    [
        (PICTURE[..., 0], r"shape \(12, 14\); a picture is \(H, W, 3\)"),
        (np.zeros((8, 8, 4), np.uint8), "three channels"),
        (np.zeros((0, 8, 8, 3), np.uint8), "at least one pixel"),
        (PICTURE.astype(np.int32), "type int32; give uint8, or floats"),
        (PICTURE > 9, "type bool"),
        (FLOAT * 0.5 + 0.5, r"look like the range \[0, 1\]; give 2 \* x - 1"),
        (PICTURE.astype(np.float32), r"from 0 to 255; they must lie in \[-1, 1\]"),
        (np.where(PICTURE == 3, np.nan, FLOAT), "not finite"),
        (np.where(PICTURE == 3, np.inf, FLOAT), "not finite"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(given, hint):
    with pytest.raises(UserError, match=hint) as error:
        inputs.as_batch(given, "it")
    assert "\n" not in str(error.value) and str(error.value).startswith("it: ")


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_a_constant_picture_says_nothing_of_its_range(value):
    assert inputs.as_batch(np.full((4, 4, 3), value), "it")[1]


def test_pairs_have_equal_shapes():
    with pytest.raises(UserError, match=r"\(12, 14, 3\) and \(1, 12, 14, 3\): both must be equal"):
        inputs.as_pair(PICTURE, PICTURE[None])
    with pytest.raises(UserError, match="second picture: floats .* look like"):
        inputs.as_pair(PICTURE, FLOAT * 0.5 + 0.5)


def test_ranges():
    assert np.array_equal(inputs.levels(PICTURE), PICTURE)
    np.testing.assert_allclose(inputs.levels(FLOAT), PICTURE, atol=1e-4)
    assert np.array_equal(inputs.signed(PICTURE), FLOAT)


@pytest.mark.parametrize("count, most", [(1, 100), (7, 1), (7, 30), (7, 40), (7, 1000), (6, 30)])
def test_chunks_cover_all_with_one_length(count, most):
    parts = list(inputs.chunks(count, 10, most))
    assert len({len(indices) for indices, _ in parts}) == 1
    assert len(parts[0][0]) <= max(1, most // 10)
    assert [i for indices, meant in parts for i in indices[:meant]] == list(range(count))


@pytest.mark.parametrize("metric", ["lpips", "ssim", "psnr", "rmse", "frechet_vgg16", "sifid"])
def test_every_metric_of_pairs_refuses_zero_to_one_and_other_sizes(metric):
    function = getattr(evaluate, metric)
    with pytest.raises(UserError, match="look like"):
        function(FLOAT * 0.5 + 0.5, FLOAT)
    with pytest.raises(UserError, match="must be equal"):
        function(PICTURE, PICTURE[:-1])
