import cv2
import numpy as np
import pytest

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import saliency

METHODS = "fine_grained", "spectral_residual"


@pytest.fixture
def spot():
    """Grey with a red disk, and the disk's region."""
    picture = np.full((64, 80, 3), 120, np.uint8)
    cv2.circle(picture, (50, 30), 9, (220, 40, 40), -1)
    return picture, picture[..., 0] == 220


def test_by_hand(monkeypatch):
    salience = np.array([[0.5, 1.0, 0.0], [0.25, 0.0, 0.0]], np.float32)
    monkeypatch.setattr(saliency, "_salience", lambda picture, method: salience)
    region = np.array([[1, 0, 0], [1, 255, 1]])
    picture = np.zeros((2, 3, 3), np.uint8)
    assert evaluate.asvs(picture, region) == pytest.approx((0.25 + 0.0625) / 4)


@pytest.mark.parametrize(
    "method, create",
    [
        ("fine_grained", "StaticSaliencyFineGrained_create"),
        ("spectral_residual", "StaticSaliencySpectralResidual_create"),
    ],
)
def test_is_the_mean_square_of_opencvs_map(spot, method, create):
    picture, region = spot
    _, map_ = getattr(cv2.saliency, create)().computeSaliency(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert map_.shape == region.shape and 0 <= map_.min() < map_.max() <= 1
    total = sum(float(map_[y, x]) ** 2 for y, x in zip(*np.nonzero(region), strict=True))
    value = evaluate.asvs(picture, region, method=method)
    assert value == pytest.approx(total / region.sum(), rel=1e-6) and 0 < value <= 1


def test_a_disk_is_more_salient_than_what_is_around_it(spot):
    picture, region = spot
    assert evaluate.asvs(picture, region) > 2 * evaluate.asvs(picture, ~region)


@pytest.mark.parametrize("method", METHODS)
def test_batches_and_floats_equal_single_uint8(spot, method):
    picture, region = spot
    other = np.ascontiguousarray(picture[:, ::-1])
    batch = np.stack([picture, other])
    values = evaluate.asvs(batch, np.stack([region, ~region]), method=method)
    assert values.shape == (2,)
    assert values[0] == evaluate.asvs(picture, region, method=method)
    assert values[1] == evaluate.asvs(other, ~region, method=method)
    assert evaluate.asvs(batch, region, method=method)[0] == values[0]
    assert evaluate.asvs(picture.astype(np.float32) / 127.5 - 1, region, method=method) == values[0]


def test_refuses(spot):
    picture, region = spot
    with pytest.raises(UserError, match="region is empty"):
        evaluate.asvs(picture, np.zeros_like(region))
    with pytest.raises(UserError, match="region is empty"):
        evaluate.asvs(np.stack([picture] * 2), np.stack([region, region & False]))
    with pytest.raises(UserError, match=r"region of shape \(63, 80\).*give \(64, 80\)"):
        evaluate.asvs(picture, region[1:])
    with pytest.raises(UserError, match="method='itti'; the methods are fine_grained, spectral_residual"):
        evaluate.asvs(picture, region, method="itti")
    with pytest.raises(UserError, match="look like"):
        evaluate.asvs(picture / 255.0, region)
