"""Records of what was made with a run."""

import json
import shutil

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.reports import outputs


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_pictures_are_kept_with_a_record(tmp_path, picture):
    folder = tmp_path / "edits"
    outputs.keep(folder, "my cat.png", {"primitive": 255 - picture, "result": picture})
    names = {"001-my-cat-png.json", "001-my-cat-png.primitive.png", "001-my-cat-png.result.png"}
    assert {path.name for path in folder.iterdir()} == names
    (kept,) = outputs.read(folder)
    assert (kept.stem, kept.name) == ("001-my-cat-png", "my cat.png") and kept.time.endswith("+00:00")
    np.testing.assert_array_equal(images.read_image(kept.shown("result")), picture)
    np.testing.assert_array_equal(images.read_image(kept.shown("primitive")), 255 - picture)
    assert json.loads((folder / "001-my-cat-png.json").read_text())["files"] == {
        "primitive": "001-my-cat-png.primitive.png",
        "result": "001-my-cat-png.result.png",
    }


def test_names_cannot_leave_the_folder(tmp_path, picture):
    outputs.keep(tmp_path / "made", "<b>" + "../" * 40, {"": picture})
    (kept,) = outputs.read(tmp_path / "made")
    assert kept.files[""].parent == tmp_path / "made" and len(kept.files[""].name) < 100
    assert kept.name.startswith("<b>../")
    record = tmp_path / "made" / f"{kept.stem}.json"
    record.write_text(record.read_text().replace(kept.files[""].name, "../secret.png"))
    with pytest.raises(UserError, match="damaged"):
        outputs.read(tmp_path / "made")


def test_the_newest_comes_first_and_gets_the_next_number(tmp_path, picture):
    for name in ("one", "two", "one"):
        outputs.keep(tmp_path, name, {"": picture})
    for name in ("7up-by hand.png", "sketch.result.png", "note.json", "7up-list.json"):
        (tmp_path / name).write_bytes(b"not ours")
    assert [kept.stem for kept in outputs.read(tmp_path)] == ["003-one", "002-two", "001-one"]
    (tmp_path / "998-by-hand.png").write_bytes(b"")
    for _ in range(2):
        outputs.keep(tmp_path, "next", {"": picture})
    assert [kept.stem for kept in outputs.read(tmp_path)][:3] == ["1000-next", "999-next", "998-by-hand"]
    shutil.rmtree(tmp_path)
    outputs.keep(tmp_path, "two", {"": picture})
    assert (tmp_path / "001-two.png").is_file()


def test_keeping_one_more_opens_no_earlier_file(tmp_path, picture):
    """Earlier files are folders here, which cannot be opened."""
    for name in ("001-a.json", "001-a.result.png", "002-b.png"):
        (tmp_path / name).mkdir()
    outputs.keep(tmp_path, "next", {"result": picture})
    assert images.read_image(tmp_path / "003-next.result.png").shape == picture.shape


def test_a_large_picture_has_a_preview(tmp_path, scene):
    large = np.repeat(np.repeat(scene, 10, 0), 10, 1)
    outputs.keep(tmp_path, "large", {"result": large, "primitive": scene})
    (kept,) = outputs.read(tmp_path)
    assert images.read_image(kept.files["result"]).shape == large.shape
    assert images.read_image(kept.shown("result")).shape == (833, 1000, 3)
    assert kept.shown("result").name == "001-large.result.preview.jpg"
    assert kept.shown("primitive") == kept.files["primitive"]
    (tmp_path / "001-large.json").unlink()
    (kept,) = outputs.read(tmp_path)
    assert set(kept.files) == {"result", "primitive"}


def test_pictures_of_earlier_versions_are_found_by_their_names(tmp_path, picture):
    for name in ("001-cat.primitive.png", "001-cat.result.png", "002-sample.png"):
        images.write_png(tmp_path / name, picture)
    outputs.keep(tmp_path, "new", {"": picture})
    new, sample, cat = outputs.read(tmp_path)
    assert (new.stem, sample.stem, cat.stem) == ("003-new", "002-sample", "001-cat")
    assert (sample.name, sample.time, set(sample.files)) == ("sample", "", {""})
    assert (cat.name, set(cat.files)) == ("cat", {"primitive", "result"})


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert outputs.read(tmp_path / "edits") == []


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"name": 1, "time": "", "files": 3, "previews": {}}']
)
def test_a_damaged_record_is_named(tmp_path, picture, content):
    outputs.keep(tmp_path, "a", {"": picture})
    (tmp_path / "001-a.json").write_text(content)
    with pytest.raises(UserError, match="001-a.json: damaged .*delete it"):
        outputs.read(tmp_path)
    (tmp_path / "001-a.json").unlink()
    assert [kept.name for kept in outputs.read(tmp_path)] == ["a"]
