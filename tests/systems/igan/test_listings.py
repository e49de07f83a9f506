"""Where a collection's pictures come from."""

import gzip
import struct

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.igan import listings


def write_idx(path, array):
    data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def digits(tmp_path):
    """Two files of the MNIST family, one of them packed: a disk and a ring with a dark middle."""
    y, x = np.mgrid[:28, :28]
    radius = np.hypot(y - 13.5, x - 13.5)
    disk = np.where(radius < 8, 200, 0).astype(np.uint8)
    ring = np.where((radius < 8) & (radius > 4), 100, 0).astype(np.uint8)
    for part, suffix, labels in (("train", ".gz", [5, 7, 5]), ("t10k", "", [7])):
        pictures = np.stack([disk if label == 5 else ring for label in labels])
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", pictures)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", np.uint8(labels))
    return tmp_path


def test_mnist_family_files_are_found_and_chosen_by_label(digits):
    assert len(listings.find(digits)) == 4
    assert len(listings.find(digits, (7,))) == 2
    assert len(listings.find(digits / "t10k-images-idx3-ubyte")) == 1
    assert listings.find(digits, (5,)).digest() != listings.find(digits, (7,)).digest()
    with pytest.raises(UserError, match="no pictures with the labels 3"):
        listings.find(digits, (3,))


def test_grey_pictures_get_a_colour_inside_of_their_silhouette(digits):
    listing = listings.find(digits)
    disk, ring = listing.read(1), listing.read(0)  # t10k comes first
    assert disk.shape == (32, 32, 3) and (disk[:6] == 255).all()
    colour = disk[16, 16]
    assert np.ptp(colour) > 20 and (disk[12:20, 12:20] == colour).all()
    assert (ring[16, 16] < 255).all()  # filled: the middle is darker than the ring, not white
    np.testing.assert_array_less(ring[16, 16], ring[16, 10] + 1)
    np.testing.assert_array_equal(listing.read(1), disk)
    assert np.abs(listing.read(3).astype(int) - disk).max() > 20  # another number, another colour


def test_damaged_mnist_files_are_named(digits):
    path = digits / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte: damaged.*cut short"):
        listings.find(digits)
    (digits / "train-labels-idx1-ubyte.gz").unlink()
    path.unlink()
    with pytest.raises(UserError, match="train-labels-idx1-ubyte.gz is not beside"):
        listings.find(digits, (5,))


def test_damaged_beginnings_and_packed_files_are_named(digits):
    path = digits / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert len(listings.find(digits)) == 4  # what a flag or a time of the head may say
        except UserError as error:
            assert "train-images-idx3-ubyte.gz: damaged" in str(error) and "\n" not in str(error)
    path.write_bytes(whole[:20])
    for source in (digits, path):
        with pytest.raises(UserError, match="train-images-idx3-ubyte.gz: damaged"):
            listings.find(source)
    path.write_bytes(whole)
    (digits / "t10k-images-idx3-ubyte").write_bytes(b"\x08\x03")
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte: damaged: no idx file of 3 dimensions"):
        listings.find(digits)
    (digits / "t10k-images-idx3-ubyte").unlink()
    (digits / "t10k-images-idx3-ubyte").mkdir()
    (digits / "._train-images-idx3-ubyte").write_bytes(b"of a Mac")
    assert len(listings.find(digits)) == 3


def test_a_folder_s_digest_changes_with_its_files(tmp_path, things):
    for number in range(3):
        images.write_png(tmp_path / f"{number}.png", things[number])
    (tmp_path / "notes.txt").write_text("no picture")
    before = listings.find(tmp_path)
    assert len(before) == 3 and before.name(1) == "1.png"
    np.testing.assert_array_equal(before.read(1), things[1])
    same = listings.find(tmp_path).digest()
    images.write_png(tmp_path / "1.png", things[4])
    assert before.digest() == listings.find(tmp_path).digest() != same
    with pytest.raises(UserError, match="data.classes=5: .* has no labels"):
        listings.find(tmp_path, (5,))


def test_what_is_no_collection_is_refused(tmp_path, things):
    with pytest.raises(UserError, match="nowhere: no such folder of pictures"):
        listings.find(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no photos there"):
        listings.find(tmp_path)
    with pytest.raises(UserError, match=r"shape \(24, 24, 3\)"):
        listings.find(things[0])


def test_sets_of_tensorflow_datasets_are_read(monkeypatch, things):
    tfds = pytest.importorskip("tensorflow_datasets")
    grey = np.zeros((28, 28, 1), np.uint8)
    grey[8:20, 8:20] = 180
    records = [{"image": things[0], "label": 1}, {"image": grey, "label": 2}]
    monkeypatch.setattr(tfds, "data_source", lambda name, split: records)
    listing = listings.find("tfds:boxes")
    assert len(listing) == 2 and listing.name(1) == "boxes 1"
    np.testing.assert_array_equal(listing.read(0), things[0])
    assert listing.read(1).shape == (32, 32, 3)
    assert listings.find("tfds:boxes", (2,)).name(0) == "boxes 1"


def test_a_set_that_cannot_be_had_is_one_line(monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")

    def absent(name, split):
        raise ConnectionError("no\nnetwork")

    monkeypatch.setattr(tfds, "data_source", absent)
    with pytest.raises(UserError, match=r"tfds:boxes: cannot be opened \(no network\)"):
        listings.find("tfds:boxes")
