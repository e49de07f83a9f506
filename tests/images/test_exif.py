import numpy as np
import pytest
from PIL import ExifTags, Image

from deepsim_jax.images import exif
from deepsim_jax.images import io as images

EXIF, GPS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo


def block(orientation=None):
    """What a camera writes: who, when, where, how, the maker's notes."""
    made = Image.Exif()
    made[0x010F], made[0x0132], made[0x8298] = "Maker", "2026:11:29 10:00:00", "Someone"
    made[EXIF] = {
        0x9003: "2026:11:28 09:00:00",
        0x829A: 0.01,
        0xA002: 4000,
        0xA003: 3000,
        0x927C: b"secret" * 99,
    }
    made[GPS] = {1: "N", 2: (48.0, 8.0, 0.0)}
    if orientation is not None:
        made[0x0112] = orientation
    return made


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
@pytest.mark.parametrize("orientation", [None, 1, 6])
def test_descriptions_are_kept_and_what_is_stale_is_not(tmp_path, shot, name, orientation):
    Image.fromarray(shot).save(tmp_path / name, exif=block(orientation).tobytes())
    photo, original = images.read_photo(tmp_path / name)
    assert photo.shape == ((48, 32, 3) if orientation == 6 else (32, 48, 3))
    images.write_photo(tmp_path / "out.png", photo, original)
    with Image.open(tmp_path / "out.png") as image:
        found = image.getexif()
        shot_at, place = dict(found.get_ifd(EXIF)), found.get_ifd(GPS)
        assert (np.asarray(image) == photo).all()
    assert (found[0x010F], found[0x0132], found[0x8298]) == ("Maker", "2026:11:29 10:00:00", "Someone")
    assert found.get(0x0112, 1) == 1 and 0x927C not in shot_at and 273 not in found and 256 not in found
    assert shot_at[0x9003] == "2026:11:28 09:00:00"
    assert (shot_at[0xA002], shot_at[0xA003]) == photo.shape[1::-1]
    assert place[1] == "N" and tuple(place[2]) == (48, 8, 0)


def test_the_thumbnail_goes(tmp_path, shot):
    content = block(3).tobytes()
    # A second directory behind the first, with a thumbnail's tag: Pillow writes none.
    head, base = content[:6], content[6:]
    count = int.from_bytes(base[8:10], "big" if base[:2] == b"MM" else "little")
    order = "big" if base[:2] == b"MM" else "little"
    end = 10 + 12 * count
    second = (1).to_bytes(2, order) + (0x0201).to_bytes(2, order) + (4).to_bytes(2, order)
    second += (1).to_bytes(4, order) + (1234).to_bytes(4, order) + bytes(4)
    base = base[:end] + len(base).to_bytes(4, order) + base[end + 4 :] + second
    Image.fromarray(shot).save(tmp_path / "a.jpg", exif=head + base)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1)[0x0201] == 1234
    _, original = images.read_photo(tmp_path / "a.jpg")
    kept = Image.Exif()
    kept.load(original.exif)
    assert not kept.get_ifd(ExifTags.IFD.IFD1) and kept[0x0112] == 1


def test_damaged_blocks_are_told_and_the_picture_is_read(tmp_path, shot, caplog):
    Image.fromarray(shot).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\x08\0\0\0\x09\0" + b"\xff" * 60)
    photo, original = images.read_photo(tmp_path / "a.png")
    assert (photo == shot).all()
    assert original.exif is None or exif.kept(Image.open(tmp_path / "a.png"), (48, 32))


@pytest.mark.parametrize("value", [0, 9, 77])
def test_orientations_that_are_none(tmp_path, shot, value):
    Image.fromarray(shot).save(tmp_path / "a.png", exif=block(value))
    assert (images.read_image(tmp_path / "a.png") == shot).all()
