import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.deepsim.networks import GlobalGenerator
from deepsim_jax.weights import convert


def picture(array):
    """(1, 3, H, W) in [-1, 1] -> uint8 (H, W, 3)."""
    return np.rint((array[0].transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)


@pytest.fixture
def generator(tmp_path, write_pth, train_steps):
    """A tiny global generator's file, as the published program saves it."""
    return write_pth(tmp_path / "latest_net_G.pth", train_steps["G"])


@pytest.fixture
def primitive(train_steps):
    return picture(train_steps["x"])


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)


def render(state_dict, drawn):
    """What the generator makes of a uint8 primitive of a fitting size, computed beside `Model`."""
    arch = convert.generator_architecture(state_dict)
    net = GlobalGenerator(arch["filters"], arch["n_down"], arch["n_blocks"])
    x = drawn[None].astype(np.float32) / 127.5 - 1
    made = net.apply({"params": convert.generator_params(state_dict, arch)}, x)
    return np.rint((np.asarray(made[0]) + 1) * 127.5)


@pytest.mark.parametrize(
    "steps, group, result", [("train_steps", "G", "fake_0"), ("networks", "L", "L_out")]
)
def test_edit_gives_the_published_programs_picture(request, tmp_path, write_pth, steps, group, result):
    arrays = request.getfixturevalue(steps)
    path = write_pth(tmp_path / "latest_net_G.pth", arrays[group])
    edited = deepsim_jax.import_torch(path).edit(picture(arrays["x"]))
    assert edited.dtype == np.uint8
    # Rounding the primitive to 8 bits costs a few levels of the picture.
    difference = np.abs(edited.astype(int) - picture(arrays[result]))
    assert difference.max() <= 8 and difference.mean() < 1


@pytest.mark.slow
def test_edit_of_another_size_is_padded_by_reflection_and_cropped(generator, primitive, train_steps):
    model = deepsim_jax.import_torch(generator)
    padded = np.pad(primitive[:61, :43], ((0, 3), (0, 5), (0, 0)), mode="reflect")
    expected = render(train_steps["G"], padded)[:61, :43]
    edited = model.edit(primitive[:61, :43])
    assert edited.shape == (61, 43, 3)
    assert np.abs(edited - expected).max() <= 1


def test_path_and_array_give_the_same_edit(tmp_path, generator, primitive):
    model = deepsim_jax.import_torch(str(generator))
    images.write_png(tmp_path / "drawn.png", primitive)
    np.testing.assert_array_equal(model.edit(tmp_path / "drawn.png"), model.edit(primitive))


def test_without_an_image_there_is_nothing_to_start_from_or_to_keep(generator, primitive):
    model = deepsim_jax.import_torch(generator)
    assert model.primitive is None and model.photo is None
    assert model.workdir is None and model.step is None
    for keep in ("auto", np.ones((64, 48), bool)):
        with pytest.raises(UserError, match="keep: .* no photo; give import_torch its image"):
            model.edit(primitive, keep=keep)
    with pytest.raises(UserError, match="recipe: "):
        model.apply_recipe({})


def test_image_without_primitive_is_drawn_as_the_published_program_does(generator, photo):
    model = deepsim_jax.import_torch(generator, image=photo)
    np.testing.assert_array_equal(model.photo, photo)
    edges = deepsim_jax.make_primitive(photo, "edges", sigma=0.5)
    np.testing.assert_array_equal(model.primitive, edges)
    model.primitive[:] = 7
    np.testing.assert_array_equal(model.primitive, edges)


def test_keep_lays_the_edit_over_the_photo(generator, primitive, photo):
    model = deepsim_jax.import_torch(generator, image=photo, primitive=primitive)
    np.testing.assert_array_equal(model.primitive, primitive)
    keep = np.zeros((64, 48), bool)
    keep[:, :24] = True
    edited = model.edit(primitive, keep=keep)
    np.testing.assert_array_equal(edited[keep], photo[keep])
    np.testing.assert_array_equal(edited[:, 40:], model.edit(primitive)[:, 40:])
    np.testing.assert_array_equal(model.edit(primitive, keep="auto"), photo)
    with pytest.raises(UserError, match="keep: 30x64 px, it must be 48x64"):
        model.edit(primitive, keep=keep[:, :30])


def test_primitive_of_another_size_than_the_models_is_refused(generator, primitive):
    model = deepsim_jax.import_torch(generator, primitive=primitive)
    with pytest.raises(UserError, match="primitive: 40x64 px, this model edits 48x64"):
        model.edit(primitive[:, :40])


def test_files_of_something_else_are_refused(tmp_path, write_pth, train_steps, primitive):
    images.write_png(tmp_path / "photo.png", primitive)
    discriminator = write_pth(tmp_path / "latest_net_D.pth", train_steps["D"])
    for path, message in [
        (tmp_path / "none.pth", "none.pth: cannot be read"),
        (tmp_path / "photo.png", "photo.png: not a PyTorch checkpoint"),
        (discriminator, "not a DeepSIM generator"),
    ]:
        with pytest.raises(UserError, match=message) as error:
            deepsim_jax.import_torch(path)
        assert "\n" not in str(error.value)
