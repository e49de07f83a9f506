import numpy as np
import pytest
from skimage import data, metrics

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError

CAT, PERSON = data.chelsea()[40:120, 80:177], data.astronaut()[:80, 200:297]
NOISY = np.clip(CAT + np.random.default_rng(0).normal(0, 12, CAT.shape), 0, 255).astype(np.uint8)
PAIRS = [(CAT, PERSON), (CAT, NOISY), (PERSON // 16, PERSON // 15)]


def as_float(picture):
    return picture.astype(np.float32) / 127.5 - 1


def reference_ssim(a, b, data_range=255):
    return metrics.structural_similarity(
        a,
        b,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
        data_range=data_range,
    )


@pytest.mark.parametrize("a, b", PAIRS)
def test_ssim_is_scikit_images(a, b):
    assert evaluate.ssim(a, b) == pytest.approx(reference_ssim(a, b), abs=1e-6)
    assert evaluate.ssim(a, b, data_range=80) == pytest.approx(reference_ssim(a, b, 80), abs=1e-5)
    assert evaluate.ssim(as_float(a), as_float(b)) == pytest.approx(reference_ssim(a, b), abs=1e-6)
    explicit = evaluate.ssim(as_float(a), as_float(b), data_range=2)
    assert explicit == evaluate.ssim(as_float(a), as_float(b))


@pytest.mark.parametrize("a, b", PAIRS)
def test_psnr_and_rmse_are_scikit_images(a, b):
    assert evaluate.psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(a, b), abs=1e-9)
    assert evaluate.rmse(a, b) == pytest.approx(metrics.mean_squared_error(a, b) ** 0.5, rel=1e-12)


@pytest.mark.parametrize("metric, same", [("ssim", 1), ("psnr", np.inf), ("rmse", 0)])
def test_identity_symmetry_and_batches(metric, same):
    function = getattr(evaluate, metric)
    assert function(CAT, CAT) == pytest.approx(same, abs=1e-6)
    single = function(CAT, NOISY)
    assert isinstance(single, float) and single == pytest.approx(function(NOISY, CAT), rel=1e-6)
    assert single == pytest.approx(function(as_float(CAT), as_float(NOISY)), rel=1e-5)
    assert single == pytest.approx(function(CAT, as_float(NOISY)), rel=1e-5)
    batch = function(np.stack([CAT, PERSON, CAT]), np.stack([NOISY, PERSON, PERSON]))
    assert batch.shape == (3,) and batch.dtype == np.float64
    np.testing.assert_allclose(batch, [single, same, function(CAT, PERSON)], rtol=1e-6)


def test_ssim_of_a_negative_is_near_minus_one():
    noise = np.random.default_rng(0).integers(0, 2, (20, 20, 3)).astype(np.uint8) * 255
    assert -1 <= evaluate.ssim(noise, 255 - noise) < -0.9


def test_rmse_of_black_and_white_is_255():
    black, white = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 255, np.uint8)
    assert evaluate.rmse(black, white) == 255 and evaluate.psnr(black, white) == 0
    assert evaluate.rmse(-np.ones((4, 5, 3)), np.ones((4, 5, 3))) == 255


def test_large_batches_are_measured_in_chunks(monkeypatch):
    a, b = np.stack([CAT, PERSON] * 3), np.stack([NOISY, CAT] * 3)
    whole = evaluate.ssim(a, b)
    monkeypatch.setattr("deepsim_jax.evaluate.pixelwise._CHUNK_PIXELS", 4 * CAT.shape[0] * CAT.shape[1])
    np.testing.assert_allclose(evaluate.ssim(a, b), whole, rtol=1e-6)


def test_ssim_refuses_small_pictures_and_empty_ranges():
    small = np.zeros((10, 30, 3), np.uint8)
    with pytest.raises(UserError, match="30x10 px are smaller than its window of 11x11"):
        evaluate.ssim(small, small)
    for wrong in (0, -1, np.nan):
        with pytest.raises(UserError, match="data_range=.*positive"):
            evaluate.ssim(CAT, CAT, data_range=wrong)


def test_diversity_by_hand():
    # Intensities: one pixel is 0 and 60 (deviation 30), the other 30 and 30 (0); reference 0 and 100.
    samples = np.zeros((2, 1, 2, 3), np.uint8)
    samples[1, 0, 0], samples[:, 0, 1] = (90, 60, 30), 30
    reference = np.zeros((1, 2, 3), np.uint8)
    reference[0, 1] = 100
    assert evaluate.diversity(samples, reference) == pytest.approx(15 / 50)
    assert evaluate.diversity(as_float(samples), reference) == pytest.approx(15 / 50, rel=1e-5)
    assert evaluate.diversity(samples[[0, 0, 0]], reference) == 0


def test_contrast_is_that_of_the_samples_over_the_references():
    assert evaluate.contrast(CAT[None], CAT) == pytest.approx(1)
    half = (CAT // 2 + 60).astype(np.uint8)
    assert evaluate.contrast(np.stack([half, CAT]), CAT) == pytest.approx(0.75, abs=0.01)
    with pytest.raises(UserError, match="contrast: all pixels of the reference"):
        evaluate.contrast(CAT[None], np.full_like(CAT, 3))


def test_diversity_does_not_depend_on_the_order_and_grows_with_the_spread():
    noise = np.random.default_rng(0).normal(size=(9, *CAT.shape))
    few, more = (np.clip(CAT + s * noise, 0, 255).astype(np.uint8) for s in (5, 20))
    assert evaluate.diversity(few, CAT) == pytest.approx(evaluate.diversity(few[::-1], CAT))
    assert evaluate.diversity(few, CAT) < evaluate.diversity(more, CAT)


@pytest.mark.parametrize(
    "samples, reference, hint",
    [
        (CAT, CAT, "N >= 2"),
        (CAT[None], CAT, "N >= 2"),
        (np.stack([CAT, CAT]), CAT[1:], "and a reference of shape"),
        (np.stack([CAT, CAT]), CAT[None], "and a reference of shape"),
        (np.stack([CAT, CAT]), np.zeros_like(CAT), "same intensity"),
    ],
)
def test_diversity_refuses(samples, reference, hint):
    with pytest.raises(UserError, match=hint):
        evaluate.diversity(samples, reference)


def test_ssim_of_a_region_is_the_mean_of_scikit_images_map_there():
    _, local = metrics.structural_similarity(
        CAT,
        NOISY,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
        data_range=255,
        full=True,
    )
    region = np.zeros(CAT.shape[:2], bool)
    region[20:41, 33:60] = True
    assert evaluate.ssim(CAT, NOISY, region=region) == pytest.approx(local[region].mean(), abs=1e-6)
    # Where the window has no place nothing is counted.
    border = region.copy()
    border[:5] = True
    assert evaluate.ssim(CAT, NOISY, region=border) == evaluate.ssim(CAT, NOISY, region=region)
    batch = evaluate.ssim(np.stack([CAT, CAT]), np.stack([NOISY, PERSON]), region=255 * region)
    assert batch[0] == pytest.approx(local[region].mean(), abs=1e-6) and batch[1] < batch[0]
    with pytest.raises(UserError, match="a region of shape"):
        evaluate.ssim(CAT, CAT, region=region[1:])
    with pytest.raises(UserError, match="the region is empty, or nearer than 5"):
        evaluate.ssim(CAT, CAT, region=border & ~region)
