"""Collections: decoded once, broken ones left out, hostile ones refused in one line."""

import builtins
import io
import logging
import struct
import zlib

import cv2
import numpy as np
import pytest

from deepsim_jax import settings
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.igan import collection


def unread(folder, **changes):
    config = settings.default("igan")
    config.data.update({"pictures": str(folder), "size": 16, "held_out": 3, **changes})
    return collection.read(settings.validate(config))


@pytest.fixture
def folder(tmp_path, things):
    folder = tmp_path / "pictures"
    for number, picture in enumerate(things):
        images.write_png(folder / f"{number}.png", picture[:, : 24 - number % 5])
    return folder


def test_pictures_are_decoded_once_and_mapped(folder, tmp_path):
    source = unread(folder)
    source.save(tmp_path / "pair")
    found = collection.load(tmp_path / "pair")
    assert found.pictures.shape == (37, 16, 16, 3) and found.held_out.shape == (3, 16, 16, 3)
    assert isinstance(found.pictures, np.memmap) and not found.pictures.flags.writeable
    assert found.hash() == source.hash() == unread(folder).hash() != unread(folder, size=32).hash()
    together = np.concatenate([found.pictures, found.held_out])
    wanted = [collection.fitted(images.read_image(folder / f"{i}.png"), 16) for i in range(40)]
    key = [picture.tobytes() for picture in together]
    assert sorted(key) == sorted(picture.tobytes() for picture in wanted)
    assert found.photo.shape == source.photo.shape == (16, 16, 3)
    found.save(tmp_path / "copy")
    np.testing.assert_array_equal(collection.load(tmp_path / "copy").pictures, found.pictures)


def test_a_share_of_a_collection_is_taken(folder, tmp_path):
    unread(folder, most=20, held_out=100).save(tmp_path / "pair")
    found = collection.load(tmp_path / "pair")
    assert len(found.pictures) == 18 and len(found.held_out) == 2


def test_pictures_of_all_kinds_and_broken_ones(folder, tmp_path, things, caplog):
    cv2.imwrite(str(folder / "40.png"), things[0].astype(np.uint16)[..., ::-1] * 257)
    cv2.imwrite(str(folder / "41.jpg"), things[1][..., 0])
    (folder / "42.png").write_bytes((folder / "1.png").read_bytes()[:60])
    (folder / "43.png").write_bytes(huge_png())
    with caplog.at_level(logging.WARNING, "deepsim_jax"):
        unread(folder, held_out=0).save(tmp_path / "pair")
    (message,) = [record.getMessage() for record in caplog.records]
    assert "left out 2 of 44 pictures: 42.png (" in message and "43.png (" in message
    assert "more than 100 megapixels" in message and "\n" not in message
    found = collection.load(tmp_path / "pair").pictures
    assert len(found) == 42
    sixteen = collection.fitted(things[0], 16).tobytes()
    assert sum(picture.tobytes() == sixteen for picture in found) == 2  # as 0.png, and in 16 bits


def test_a_file_that_may_not_be_read_is_named_and_left_out(folder, tmp_path, caplog, monkeypatch):
    source, forbidden = unread(folder), folder / "7.png"
    real = open

    def guarded(path, *args, **kwargs):
        if path == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", guarded)
    monkeypatch.setattr(io, "open", guarded)
    with caplog.at_level(logging.WARNING, "deepsim_jax"):
        source.save(tmp_path / "pair")
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("left out 1 of 40 pictures: 7.png (")
    assert len(collection.load(tmp_path / "pair").pictures) == 36


def huge_png():
    """The header of a picture of 20000x20000 px, and nothing of it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_hostile_collections_get_one_line(tmp_path, things):
    folder = tmp_path / "one"
    images.write_png(folder / "1.png", things[0])
    with pytest.raises(UserError, match="a collection of one picture: iGAN needs 16"):
        unread(folder)
    broken = tmp_path / "broken"
    broken.mkdir()
    for number in range(300):
        (broken / f"{number}.jpg").write_bytes(b"no picture")
    source = unread(broken)
    with pytest.raises(UserError) as error:
        source.save(tmp_path / "pair")
    message = str(error.value)
    assert message.startswith("a collection of no pictures; 300 cannot be read: 0.jpg (")
    assert "and 295 more" in message and "\n" not in message
    with pytest.raises(UserError, match="none of 300 pictures"):
        _ = source.photo
    with pytest.raises(UserError, match="no collection: give --config.data.pictures"):
        unread("")
    config = settings.validate(settings.default("igan"))
    with pytest.raises(UserError, match="primitive"):
        collection.read(config, things, things[0])


def test_a_damaged_collection_is_named(folder, tmp_path):
    unread(folder).save(tmp_path / "pair")
    with open(tmp_path / "pair" / "pictures.u8", "ab") as file:
        file.write(b"0")
    with pytest.raises(
        UserError, match="pair: the collection is damaged .pictures.u8 has another length"
    ):
        collection.load(tmp_path / "pair")


def test_long_pictures_are_padded_in_little_memory(monkeypatch):
    long = np.full((100, 60_000, 3), 10, np.uint8)
    square = collection.fitted(long, 16, "pad")
    assert (square[:7] == 255).all() and (square[9:] == 255).all() and (square[7:9] < 255).all()
    wide = np.random.default_rng(0).integers(0, 256, (330, 900, 3), np.uint8)
    whole = collection.fitted(wide, 32, "pad")
    monkeypatch.setattr(collection, "LONGEST", 450)
    assert np.abs(collection.fitted(wide, 32, "pad").astype(int) - whole).max() <= 8
    assert collection.placed(wide, 900, 285, 0, ground=255).shape == (450, 450, 3)
    monkeypatch.setattr(collection, "LONGEST", 401)
    assert np.abs(collection.fitted(wide, 32, "pad").astype(int) - whole).mean() <= 2


@pytest.mark.parametrize("fit, corner", [("crop", 10), ("pad", 255)])
def test_pictures_become_square_as_the_config_says(fit, corner):
    wide = np.full((20, 40, 3), 10, np.uint8)
    wide[:, 16:24] = 90
    square = collection.fitted(wide, 10, fit)
    assert square.shape == (10, 10, 3) and square[0, 0, 0] == corner
    assert (square[5, 4:6] == 90).all() and square[5, 0, 0] == 10
    assert collection.fitted(wide, 64, fit).shape == (64, 64, 3)
