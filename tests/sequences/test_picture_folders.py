import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images.io import write_png
from deepsim_jax.sequences.picture_folders import open_folder, pictures


def draw(folder, names, *, size=(20, 30), value=0):
    """Writes grey pictures, the first `value`, each 3 lighter than the one before."""
    for number, name in enumerate(names):
        write_png(folder / f"{name}.png", np.full((*size, 3), value + 3 * number, np.uint8))


def draw_edges(folder, names):
    for number, name in enumerate(names):
        picture = np.full((20, 30, 3), 255, np.uint8)
        picture[number + 1] = 0
        write_png(folder / f"{name}.png", picture)


@pytest.fixture
def authors(tmp_path):
    """The DeepSIM authors' layout: frame 0 to train on, eleven others, segmentations of all."""
    others = [str(i) for i in range(1, 12)]
    draw(tmp_path / "train_B", ["0"])
    draw(tmp_path / "train_seg", ["0"], value=100)
    draw(tmp_path / "test_B", others, value=3)
    draw(tmp_path / "test_seg", others, value=103)
    return tmp_path


def test_the_authors_layout(authors):
    (sequence,) = open_folder(authors)
    assert sequence.name == authors.name and sequence.size == (20, 30)
    assert sequence.frames == tuple(str(i) for i in range(12))
    assert sequence.train == 0 and sequence.held_out == tuple(range(1, 12))
    assert sequence.parts == ("segmentation",)
    for i in range(12):
        assert (sequence.image(i) == 3 * i).all() and sequence.image(i).dtype == np.uint8
        assert (sequence.part("segmentation", i) == 100 + 3 * i).all()


def test_the_authors_layout_with_edges_and_a_drawing_of_another_name(authors):
    draw_edges(authors / "train_edges", ["drawn"])
    draw_edges(authors / "test_edges", [str(i) for i in range(1, 12)])
    (sequence,) = open_folder(authors, limit=5, train=2)
    assert sequence.parts == ("segmentation", "edges")
    assert len(sequence) == 5 and sequence.held_out == (0, 1, 3, 4)
    mask = sequence.part("edges", 3)
    assert mask.dtype == bool and mask.shape == (20, 30)
    assert mask[3].all() and mask.sum() == 30


def test_an_empty_folder_of_primitives_is_none(authors):
    for name in ("train_edges", "test_edges"):
        (authors / name).mkdir()
    assert open_folder(authors)[0].parts == ("segmentation",)


def without(folder, *names):
    for name in names:
        (folder / f"{name}.png").unlink()


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda f: without(f / "test_seg", *range(3, 11)),
            "test_seg: lacks 3, 4, 5, 6, 7 and 3 more; it must have the names of .*test_B",
        ),
        (lambda f: draw(f / "test_seg", ["12", "x"]), "test_seg: has 12, x, not a frame"),
        (
            lambda f: (f / "test_seg" / "4.png").rename(f / "test_seg" / "04.png"),
            "test_seg: lacks 4 and has 04, not a frame",
        ),
        (
            lambda f: (without(f / "train_seg", "0"), draw(f / "train_seg", ["a", "b"])),
            "train_seg lacks 0, the training frame in train_B",
        ),
        (lambda f: without(f / "train_seg", "0"), "train_seg lacks 0"),
        (lambda f: without(f / "train_B", "0"), "no picture in train_B"),
        (lambda f: without(f / "test_B", *range(1, 12)), "no picture in test_B"),
        (lambda f: draw(f / "test_B", ["0"]), "frame 0 stands in train_B and in test_B"),
        (lambda f: (f / "test_B" / "1.png").rename(f / "test_B" / "2.jpg"), "2.jpg and 2.png are one"),
    ],
)
def test_names_that_do_not_match(authors, change, message):
    change(authors)
    with pytest.raises(UserError, match=message) as caught:
        open_folder(authors)
    assert "\n" not in str(caught.value)


def test_a_limit_looks_at_the_first_frames_only(authors):
    without(authors / "test_seg", 10)
    assert len(open_folder(authors, limit=10)[0]) == 10
    with pytest.raises(UserError, match="lacks 10;"):
        open_folder(authors, limit=11)


@pytest.mark.parametrize("inside", ["", "frames"])
def test_a_plain_folder(tmp_path, inside):
    names = ["frame10", "frame9", "frame2"]
    draw(tmp_path / inside, names)
    draw(tmp_path / "segmentation", names, value=50)
    draw_edges(tmp_path / "edges", names)
    (tmp_path / "notes.txt").write_text("of the camera")
    (tmp_path / inside / ".hidden.png").write_bytes(b"")
    (sequence,) = open_folder(tmp_path, train=1)
    assert sequence.frames == ("frame2", "frame9", "frame10")
    assert sequence.parts == ("segmentation", "edges") and sequence.held_out == (0, 2)
    assert (sequence.image(0) == 6).all() and (sequence.part("segmentation", 0) == 56).all()
    assert sequence.part("edges", 0)[3].all()


def test_a_plain_folder_with_a_primitive_missing(tmp_path):
    draw(tmp_path, ["a", "b"])
    draw(tmp_path / "segmentation", ["a"])
    with pytest.raises(UserError, match="segmentation: lacks b; it must have the names of"):
        open_folder(tmp_path)


def test_a_folder_of_sequences(tmp_path):
    for name in ("walk10", "walk9"):
        draw(tmp_path / name, ["0", "1"])
    (tmp_path / ".cache").mkdir()
    assert [s.name for s in open_folder(tmp_path)] == ["walk9", "walk10"]
    (tmp_path / "walk11").mkdir()
    with pytest.raises(UserError, match="walk11: no pictures there, neither directly"):
        open_folder(tmp_path)


def test_an_empty_folder_and_a_single_frame(tmp_path):
    with pytest.raises(UserError, match="no pictures there; give a folder of frames"):
        open_folder(tmp_path)
    draw(tmp_path, ["0"])
    with pytest.raises(UserError, match="1 frame, at least two"):
        open_folder(tmp_path)


def test_pictures_are_checked_when_they_are_read(tmp_path):
    draw(tmp_path, ["0", "1", "2"])
    draw(tmp_path, ["1"], size=(20, 32))
    draw(tmp_path / "segmentation", ["0", "1", "2"], size=(40, 60))
    (tmp_path / "2.png").write_bytes(b"no picture")
    (sequence,) = open_folder(tmp_path)
    for read, message in (
        (lambda: sequence.image(1), r"1.png: 32x20 px, but the first frame \(0.png\) has 30x20"),
        (lambda: sequence.part("segmentation", 0), "segmentation.0.png: 60x40 px, .* has 30x20"),
        (lambda: sequence.image(2), "frame .*2.png: not an image"),
    ):
        with pytest.raises(UserError, match=message):
            read()


def test_no_folder_has_no_pictures(tmp_path):
    assert pictures(tmp_path / "absent") == {}
