"""What a browser sends as a picture: kinds, sizes, bombs, and files that are none."""

import io
import pickle
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from deepsim_jax import UserError
from deepsim_jax.editor import uploads


def encoded(kind, size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind, content):
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width, height, *more):
    """A PNG of one colour whose header claims a size, with further chunks before its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND", b"")


def test_kinds_are_told_by_their_content():
    assert uploads.kind_of(encoded("PNG")) == "png"
    assert uploads.kind_of(encoded("JPEG")) == "jpg"
    assert uploads.kind_of(encoded("WEBP")) == "webp"


def test_files_that_are_no_pictures_are_refused_whatever_they_are_called():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"an": "object"}], dtype=object))
    for content in (
        b"",
        pickle.dumps(print),
        buffer.getvalue(),
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<!doctype html><script>1</script>",
        b"GIF89a" + b"\0" * 50,
        encoded("TIFF"),
        encoded("BMP"),
        b"\x89PNG\r\n\x1a\n",
        encoded("PNG")[:20],
        b"RIFF\0\0\0\0WEBP",
    ):
        with pytest.raises(uploads.NoPicture):
            uploads.kind_of(content)


def test_bombs_are_told_from_their_headers():
    bomb = zlib.compress(bytes(200_000_000), 1)
    tracemalloc.start()
    for content in (png(50_000, 50_000), png(20_000, 20_000), png(10_000, 5_001)):
        with pytest.raises(uploads.TooLarge, match="megapixels"):
            uploads.kind_of(content)
    for content in (
        png(32, 32, chunk(b"iCCP", b"icc\0\0" + bomb)),
        png(32, 32, chunk(b"zTXt", b"text\0\0" + bomb)),
        png(32, 32, chunk(b"iTXt", b"text\0\1\0\0\0" + bomb)),
    ):
        try:
            uploads.kind_of(content)
        except UserError as error:
            assert "\n" not in str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20
    with pytest.raises(UserError, match="too few"):
        uploads.kind_of(encoded("PNG", size=(3, 3)))
