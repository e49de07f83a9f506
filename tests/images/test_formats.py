import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import formats
from deepsim_jax.images import io as images

UNREAD = {
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic": "a HEIC photo",
    b"\0\0\0\x24ftypmif1\0\0\0\0mif1heic": "a HEIC photo",
    b"\0\0\0\x18ftypcrx \0\0\0\1crx isom": r"a camera raw file \(CR3\)",
    b"II*\0\x10\0\0\0CR\2\0": r"a camera raw file \(CR2\)",
    b"FUJIFILMCCD-RAW 0201FF": r"a camera raw file \(RAF\)",
    b"IIRO\x08\0\0\0": r"a camera raw file \(ORF\)",
    b"IIU\0\x08\0\0\0": r"a camera raw file \(RW2\)",
    b"\xff\x0a\xfa\x1f": "a JPEG XL picture",
    b"\0\0\0\x0cJXL \r\n\x87\n": "a JPEG XL picture",
    b"8BPS\0\1": r"a Photoshop document \(PSD\)",
    b"gimp xcf v011": r"a GIMP document \(XCF\)",
    b"PK\3\4\x14\0mimetypeapplication/x-krita": "a zip archive, as Krita",
    b"%PDF-1.7\n": "a PDF document",
    b"%!PS-Adobe-3.0 EPSF": "a PostScript document",
    b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg xmlns=''/>": "an SVG drawing",
    b"\xef\xbb\xbf<svg xmlns=''/>": "an SVG drawing",
    b"<!DOCTYPE html><html><img>": "a web page",
    b"\x76\x2f\x31\x01\x02\0\0\0": "an OpenEXR picture",
    bytes(128) + b"DICM": "a DICOM file",
    b"\0\5\x16\7\0\2\0\0Mac OS X": "a Mac's companion of a file",
    b"version https://git-lfs.github.com/spec/v1\n": "a pointer of Git LFS",
    b"\0\0\0\x18ftypisom\0\0\0\0isomavc1": "a film, which is no picture",
    b"\x1a\x45\xdf\xa3\x01\0\0\0": "a film, which is no picture",
}


@pytest.mark.parametrize("head", UNREAD)
def test_what_is_known_and_not_read_is_named_with_advice(tmp_path, head):
    path = tmp_path / "photo.jpg"
    path.write_bytes(head + bytes(200))
    with pytest.raises(UserError, match=f"photo {path}: {UNREAD[head]}.*; [a-z]+ "):
        images.read_image(path, name="photo")


def test_films_are_no_pictures():
    assert formats.is_film(b"\0\0\0\x14ftypqt  ") and formats.is_film(b"RIFF\0\0\0\0AVI LIST")
    for head in (
        b"\0\0\0\x1cftypavif",
        b"\0\0\0\x18ftypheic",
        b"\x89PNG\r\n\x1a\n",
        b"",
        b"RIFF\0\0\0\0WEBP",
    ):
        assert not formats.is_film(head)


def test_formats_of_pillow_are_there():
    assert {"PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"} <= set(formats.read_by_pillow())
    assert "EPS" not in formats.read_by_pillow()
