"""Which picture of a TIFF is read, and which TIFFs are none of one picture."""

import numpy as np
import pytest
import tifffile

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images

RGB = {"photometric": "rgb"}


def write(path, *pages):
    with tifffile.TiffWriter(path) as file:
        for pixels, options in pages:
            file.write(pixels, **{**RGB, **options})


def size(pixels):
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


REDUCED = {"subfiletype": 1}


@pytest.mark.parametrize("name", ["shot.nef", "shot.dng", "photo.jpg"])
def test_a_preview_before_the_picture_is_refused(tmp_path, shot, name):
    """As in camera raw files, whatever their names."""
    small, path = shot[::2, ::2], tmp_path / name
    inside = write, (path, (small, {**REDUCED, "subifds": 1}), (shot, {"subfiletype": 0}))
    behind = write, (path, (small, REDUCED), (shot, {}))
    unmarked = write, (path, (small, {"subifds": 1}), (shot, {}))
    for make, arguments in (inside, behind, unmarked):
        make(*arguments)
        with pytest.raises(UserError) as caught:
            images.read_image(path, name="photo")
        message = f"begins with a preview of {size(small)} px, as camera raw files do; its picture of "
        assert message + size(shot) in str(caught.value) and "export it" in str(caught.value)


def test_sensor_data_are_refused(tmp_path, shot):
    grey = shot[..., 0].astype(np.uint16) * 257
    pattern = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)]
    version = [(50706, 1, 4, b"\1\4\0\0", True)]
    write(tmp_path / "a.dng", (grey, {"photometric": "cfa", "extratags": pattern + version}))
    with pytest.raises(UserError, match=r"camera raw file \(DNG\), which is not read; develop it"):
        images.read_image(tmp_path / "a.dng")
    sensor = (np.kron(grey, np.ones((2, 2), np.uint16)), {"photometric": "cfa", "extratags": pattern})
    write(tmp_path / "b.arw", (shot, {"subifds": 1}), sensor)
    with pytest.raises(UserError, match="camera raw file, which is not read"):
        images.read_image(tmp_path / "b.arw")


@pytest.mark.parametrize("pages", [2, 3])
def test_documents_and_stacks_are_refused(tmp_path, shot, pages):
    write(tmp_path / "a.tif", *[(shot, {})] * pages)
    grey = np.stack([shot[..., 0]] * pages)
    tifffile.imwrite(tmp_path / "b.tif", grey, imagej=True)
    for name in ("a.tif", "b.tif"):
        with pytest.raises(UserError, match=f"a TIFF of {pages} pictures; save the one"):
            images.read_image(tmp_path / name)


def test_copies_and_masks_of_the_picture_do_not_count(tmp_path, shot):
    mask = shot[..., 0] > 100
    write(tmp_path / "pyramid.tif", (shot, {"subifds": 1}), (shot[::2, ::2], REDUCED))
    write(tmp_path / "thumbnail.tif", (shot, {}), (shot[::4, ::4], {}))
    write(tmp_path / "mask.tif", (shot, {}), (mask, {"photometric": "minisblack", "subfiletype": 4}))
    write(tmp_path / "marked.tif", (shot, REDUCED))  # by mistake: it is all that there is
    for name in ("pyramid", "thumbnail", "mask", "marked"):
        assert (images.read_image(tmp_path / f"{name}.tif") == shot).all(), name


def test_arrangements_that_nobody_here_decodes_are_named(tmp_path, shot):
    # Planes compressed by LZW: a header that says so in front of data that are not looked at.
    planes = shot.transpose(2, 0, 1).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", planes, **RGB, planarconfig="separate")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags["Compression"].overwrite(5)
    with pytest.raises(UserError, match="3 channels of 16 bits, compression LZW.*; save it without comp"):
        images.read_image(tmp_path / "a.tif")
    write(tmp_path / "b.tif", (shot, {}))
    content = (tmp_path / "b.tif").read_bytes()
    tifffile.imwrite(tmp_path / "c.tif", planes, **RGB, planarconfig="separate")
    for name, part in (("b.tif", content), ("c.tif", (tmp_path / "c.tif").read_bytes())):
        (tmp_path / name).write_bytes(part[:-100])
        with pytest.raises(UserError, match="truncated"):
            images.read_image(tmp_path / name)
