"""Which files of a folder are pictures, by their content, and what is said of the others."""

import logging

import numpy as np
import pytest
from PIL import Image

from deepsim_jax.errors import UserError
from deepsim_jax.images import picture_files


@pytest.fixture
def folder(tmp_path, shot):
    """What cameras, phones, paint programs and systems leave in a folder."""
    place = tmp_path / "album"
    place.mkdir()
    image = Image.fromarray(shot)
    for name in (
        "10.png",
        "9.jpg",
        "still.gif",
        "a.avif",
        "b.webp",
        "c.jp2",
        "d.TIFF",
        "e.bmp",
        "f.jfif",
    ):
        kind = {".jfif": "JPEG"}.get(name[name.index(".") :])
        image.save(place / name, format=kind)
    image.save(place / "scan", format="PNG")  # without a suffix
    image.save(place / "really.dat", format="JPEG")
    (place / "broken.png").write_bytes((place / "10.png").read_bytes()[:60])
    (place / "._9.jpg").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"):
        (place / name).write_bytes(b"x" * 40)
    (place / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    (place / "notes.txt").write_text("no picture")
    (place / "folder.png").mkdir()
    return place


def test_content_counts_and_what_is_left_out_is_named(folder, caplog):
    caplog.set_level(logging.INFO)
    found = [path.name for path in picture_files.find(folder)]
    assert found[:2] == ["9.jpg", "10.png"]
    assert sorted(found) == sorted(
        ["9.jpg", "10.png", "still.gif", "a.avif", "b.webp", "c.jp2", "d.TIFF", "e.bmp", "f.jfif"]
        + ["scan", "really.dat", "broken.png"]
    )
    _, left_out = picture_files.look(folder)
    reasons = {path.name: why for path, why in left_out.items()}
    assert reasons == {
        "._9.jpg": "hidden",
        ".DS_Store": "hidden",
        ".hidden.png": "hidden",
        "Thumbs.db": "of the system",
        "desktop.ini": "of the system",
        "IMG_1.HEIC": "a HEIC photo, which is not read",
        "notes.txt": "no picture",
    }
    (line,) = [record.message for record in caplog.records]
    assert line.startswith(f"{folder}: left out ") and line.endswith(" and 2 more")
    caplog.clear()
    picture_files.find(folder, quiet=True)
    assert not caplog.records and picture_files.find(folder / "absent") == []


def test_two_pictures_of_one_name(tmp_path, shot):
    for name in ("2.jpg", "2.png"):
        Image.fromarray(shot).save(tmp_path / name)
    (tmp_path / "._2.gif").write_bytes(b"x")
    with pytest.raises(UserError, match="2.jpg and 2.png are one picture's name"):
        picture_files.by_stem(tmp_path)


def save_animation(path, shot, **options):
    frames = [Image.fromarray(np.roll(shot, 4 * i, 1)) for i in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, **options)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_a_still_is_a_picture_and_what_moves_is_a_film(tmp_path, shot, name):
    Image.fromarray(shot).save(tmp_path / name)
    assert picture_files.frames_of(tmp_path / name) == 1 and not picture_files.is_film(tmp_path / name)
    save_animation(tmp_path / name, shot)
    assert picture_files.frames_of(tmp_path / name) == 3 and picture_files.is_film(tmp_path / name)
    assert picture_files.is_picture(tmp_path / name)


def test_films_are_told_by_their_content(tmp_path):
    (tmp_path / "clip").write_bytes(b"\x1a\x45\xdf\xa3\x01\0\0\0webm")
    (tmp_path / "notes.mp4").write_text("no film")
    assert picture_files.is_film(tmp_path / "clip") and not picture_files.is_film(tmp_path / "notes.mp4")
    assert (
        not picture_files.is_film(tmp_path / "absent") and picture_files.frames_of(tmp_path / "clip") == 0
    )
