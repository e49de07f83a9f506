import cv2
import jax
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import ranges
from deepsim_jax.systems.singan import injection, inpainting


@pytest.fixture(scope="module")
def learned(untrained_pyramid):
    return untrained_pyramid()


@pytest.fixture
def picture(learned):
    size = learned.pyramid.photo
    return np.random.default_rng(3).integers(0, 256, (*size, 3)).astype(np.uint8)


@pytest.fixture
def hole(picture):
    found = np.zeros(picture.shape[:2], bool)
    found[8:14, 9:20] = True
    return found


def test_inside_is_what_singan_makes_of_the_reference_and_outside_is_the_picture(learned, picture, hole):
    reference = picture[:, ::-1].copy()
    found = inpainting.inpaint(learned, picture, hole, reference, start_scale=1, seed=4)
    made = injection.inject(jax.random.key(4)[None], learned, ranges.to_float(reference), start_scale=1)
    assert (found.made == ranges.to_uint8(made[0])).all() and (found.reference == reference).all()
    assert (found.picture[hole] == found.made[hole]).all()
    assert (found.picture[~hole] == picture[~hole]).all()
    other = inpainting.inpaint(learned, picture, hole, reference, start_scale=2, seed=4)
    assert (other.picture[hole] != found.picture[hole]).any()


def test_what_is_in_the_hole_does_not_matter(learned, picture, hole):
    clean = picture.copy()
    clean[hole] = 7
    reference = picture[::-1].copy()
    for given in (reference, None):
        found, other = (inpainting.inpaint(learned, one, hole, given) for one in (picture, clean))
        assert (found.picture[hole] == other.picture[hole]).all()
    filled = (inpainting.training_picture(one, hole) for one in (picture, clean))
    assert len({one.tobytes() for one in filled}) == 1
    assert inpainting.training_picture(picture, hole, trained_on="damaged") is picture


def test_without_a_reference_a_guess_is_put_in(learned, picture, hole):
    found = inpainting.inpaint(learned, picture, hole, seed=1)
    guess = cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    assert (found.reference == guess).all()
    again = inpainting.inpaint(
        learned,
        picture,
        hole,
        guess,
        seed=1,
        start_scale=inpainting.default_start_scale(learned, guided=False),
    )
    assert (again.picture == found.picture).all()


def test_a_photo_larger_than_the_training_size_keeps_its_size(learned, hole):
    height, width = learned.pyramid.photo
    large = np.random.default_rng(3).integers(0, 256, (2 * height, 2 * width, 3)).astype(np.uint8)
    mask = np.kron(hole, np.ones((2, 2), bool))
    found = inpainting.inpaint(learned, large, mask, large[::2, ::2])
    assert found.picture.shape == large.shape and (found.picture[~mask] == large[~mask]).all()
    enlarged = cv2.resize(found.made, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    assert np.abs(found.picture[mask].astype(int) - enlarged[mask]).max() <= 1


@pytest.mark.parametrize(
    "method, flag", [("telea", cv2.INPAINT_TELEA), ("navier_stokes", cv2.INPAINT_NS)]
)
def test_classical_methods_are_opencvs(picture, hole, method, flag):
    found = inpainting.classical(picture, hole, method)
    assert (found == cv2.inpaint(picture, hole.astype(np.uint8), 3, flag)).all()
    assert (found[~hole] == picture[~hole]).all() and (found[hole] != picture[hole]).any()


def test_start_scales(learned, untrained_pyramid):
    assert learned.scales == 3
    assert inpainting.default_start_scale(learned, guided=True) == 1
    assert inpainting.default_start_scale(learned, guided=False) == 1
    with pytest.raises(UserError, match="train more scales"):
        inpainting.default_start_scale(untrained_pyramid(scales=1), guided=True)


def test_refuses(learned, picture, hole):
    with pytest.raises(UserError, match="reference: 28x21 px, it must be 28x22"):
        inpainting.inpaint(learned, picture, hole, picture[1:])
    with pytest.raises(UserError, match="start scale 0: allowed are 1"):
        inpainting.inpaint(learned, picture, hole, picture, start_scale=0)
    with pytest.raises(UserError, match="choose one of telea, navier_stokes"):
        inpainting.classical(picture, hole, "nvidia")
    with pytest.raises(UserError, match="choose one of filled, damaged"):
        inpainting.training_picture(picture, hole, trained_on="clean")
