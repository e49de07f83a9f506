"""From a config, or a command's words, to what is trained on and what is held out."""

import shutil

import numpy as np
import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.sequences import frames
from deepsim_jax.systems.deepsim import source as sources


def config(**data):
    found = settings.load("quickstart:tiny").unlock()
    for key, value in data.items():
        found.data[key] = value
    return settings.validate(found)


def test_a_sequence_gives_its_training_frame_with_its_drawing(sequence_folder):
    source = sources.read(config(sequence=str(sequence_folder)))
    np.testing.assert_array_equal(source.photo, images.read_image(sequence_folder / "train_B" / "0.png"))
    assert source.spec.kind == "seg" and source.primitive.shape == source.image.shape
    assert {tuple(c) for c in source.primitive.reshape(-1, 3)} == {(200,) * 3, (40,) * 3}
    with_edges = sources.read(config(sequence=str(sequence_folder), kind="seg_edges"))
    assert with_edges.spec.kind == "seg_edges"


def test_another_frame_can_be_trained_on(tmp_path, sequence_folder):
    shutil.copytree(sequence_folder / "test_B", tmp_path / "plain")
    source = sources.read(config(sequence=str(tmp_path / "plain"), train_frame=2))
    np.testing.assert_array_equal(source.photo, images.read_image(sequence_folder / "test_B" / "3.png"))
    assert source.spec.kind == "edges"
    with pytest.raises(UserError, match="plain: data.kind=seg .* no segmentations"):
        sources.read(config(sequence=str(tmp_path / "plain"), kind="seg"))


def test_a_sequence_and_a_photo_are_not_mixed(sequence_folder):
    with pytest.raises(UserError, match="data.sequence is given together with .*choose one"):
        sources.read(config(sequence=str(sequence_folder), image="photo.png"))


def test_one_of_several_sequences_is_named_behind_a_hash(tmp_path, sequence_folder):
    for name in ("one", "two"):
        shutil.copytree(sequence_folder, tmp_path / "set" / name)
    assert frames.only_sequence(f"{tmp_path / 'set'}#two").name == "two"
    with pytest.raises(UserError, match="it has 2 sequences .one, two., one is needed here"):
        frames.only_sequence(tmp_path / "set")
    with pytest.raises(UserError, match="no sequence called 'three'; it has one, two"):
        frames.only_sequence(f"{tmp_path / 'set'}#three")


def test_the_frame_that_was_trained_on_is_never_held_out(sequence_folder, scene):
    sequence = frames.only_sequence(sequence_folder)
    assert sources.trained_on(sequence, sequence.image(0)) is not None
    found = sources.trained_on(sequence, sequence.image(2))
    assert found.train == 2 and found.held_out == (0, 1, 3)
    # As another machine's decoder may give it.
    rounded = np.clip(sequence.image(0).astype(int) + 1, 0, 255).astype(np.uint8)
    rounded[::2] -= 1
    assert sources.trained_on(sequence, rounded).train == 0
    with pytest.raises(UserError, match="box: none of its 4 frames is the photo that this network"):
        sources.trained_on(sequence, scene)
