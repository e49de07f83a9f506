import cv2
import jax
import numpy as np
import pytest

from deepsim_jax.ops import guided_filter as guided


@pytest.mark.parametrize("guides, channels, radius", [(1, 1, 2), (3, 1, 4), (3, 2, 3), (1, 3, 9)])
def test_equals_opencvs(guides, channels, radius):
    random = np.random.default_rng(0)
    guide = cv2.GaussianBlur(random.random((24, 31, guides), np.float32), (0, 0), 1)
    guide = guide.reshape(24, 31, guides)
    source = random.random((24, 31, channels), np.float32)
    with jax.enable_x64(True):
        got = guided.guided_filter(
            guide.astype(np.float64), source.astype(np.float64), radius=radius, epsilon=0.01
        )
    wanted = cv2.ximgproc.guidedFilter(guide, source, radius, 0.01).reshape(source.shape)
    np.testing.assert_allclose(got, wanted, atol=2e-4)


def test_single_precision_loses_little_where_values_are_far_from_zero():
    random = np.random.default_rng(1)
    guide = (200 + random.random((40, 40, 3))).astype(np.float32)
    source = (guide[..., :1] * 2 + 1000).astype(np.float32)
    got = guided.guided_filter(guide, source, radius=4, epsilon=1e-4)
    np.testing.assert_allclose(got, source, atol=0.02)


def test_keeps_the_guides_edges_and_smooths_the_rest():
    random = np.random.default_rng(2)
    step = np.zeros((32, 32, 1), np.float32)
    step[:, 16:] = 1
    noisy = step + random.normal(0, 0.1, step.shape).astype(np.float32)
    got = np.asarray(guided.guided_filter(step, noisy, radius=4, epsilon=1e-4))
    assert got[:, 15].max() < 0.15 < 0.85 < got[:, 16].min()
    assert got[:, :8].std() < 0.03
    smooth = np.asarray(guided.guided_filter(step, noisy, radius=4, epsilon=10.0))
    assert 0.3 < smooth[:, 15].mean() < 0.5  # an epsilon above the guide's variance: a mere mean


def test_enlarging_puts_a_step_where_the_large_guide_has_it():
    guide = np.zeros((120, 90, 3), np.float32)
    guide[:, 43:] = 0.8  # within a small pixel
    source = np.zeros((12, 9, 2), np.float32)
    source[..., 0] = 3 * cv2.resize(guide[..., 0], (9, 12), interpolation=cv2.INTER_AREA)
    source[..., 1] = 7
    got = np.asarray(guided.enlarge(source, guide, radius=2, epsilon=1e-5))
    assert got.shape == (120, 90, 2)
    assert np.abs(got[:, :43, 0]).max() < 0.05 and np.abs(got[:, 43:, 0] - 2.4).max() < 0.1
    np.testing.assert_allclose(got[..., 1], 7, atol=1e-4)


def test_of_the_same_size_enlarging_is_filtering():
    random = np.random.default_rng(3)
    guide, source = (random.random((16, 20, c)).astype(np.float32) for c in (3, 2))
    np.testing.assert_allclose(
        guided.enlarge(source, guide, radius=3, epsilon=0.1),
        guided.guided_filter(guide, source, radius=3, epsilon=0.1),
        atol=1e-5,
    )


@pytest.mark.slow
def test_one_picture_a_batch_and_a_compiled_call_are_the_same():
    random = np.random.default_rng(4)
    guide, source = (random.random((2, 16, 20, c)).astype(np.float32) for c in (3, 2))

    def filtered(guide, source):
        return guided.guided_filter(guide, source, radius=3, epsilon=0.1)

    got = filtered(guide, source)
    np.testing.assert_allclose(got, jax.jit(filtered)(guide, source), atol=1e-5)
    np.testing.assert_allclose(got, jax.vmap(filtered)(guide, source), atol=1e-5)
    np.testing.assert_allclose(got[1], filtered(guide[1], source[1]), atol=1e-5)


def test_what_makes_no_sense_is_refused():
    picture = np.zeros((8, 8, 1), np.float32)
    with pytest.raises(ValueError, match="epsilon 0 above 0"):
        guided.guided_filter(picture, picture, radius=1, epsilon=0)
    with pytest.raises(ValueError, match="radius -1"):
        guided.guided_filter(picture, picture, radius=-1, epsilon=1)
    with pytest.raises(ValueError, match="smaller guide"):
        guided.enlarge(picture, picture[:4], radius=1, epsilon=1)


@pytest.mark.usefixtures("unchecked_shapes")
def test_other_sizes_are_refused():
    guide, source = np.zeros((8, 8, 1), np.float32), np.zeros((8, 6, 1), np.float32)
    with pytest.raises(ValueError, match="sizes differ"):
        guided.guided_filter(guide, source, radius=1, epsilon=1)
