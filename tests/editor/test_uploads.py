"""What a browser sends as a picture: kinds, sizes, bombs, and files that are none."""

import contextlib
import io
import pathlib
import pickle
import re
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


def png(width, height, *more, depth=8, pixels=None, after=()):
    """A PNG of one colour whose header claims a size, with further chunks before and after its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 7000) if pixels is None else pixels)
    chunks = [header, *more, pixels, *after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def gigabyte():
    """A gigabyte of zeros, as zlib compresses it: the same part again and again."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    part = deflate.compress(bytes(2**24)) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = 2**30 % 65521 << 16 | 1
    return b"\x78\x01" + 64 * part + b"\x03\0" + struct.pack(">I", checksum)


class Loud:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(self.path),)


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """A file that is there once a `Loud` was unpickled."""
    return tmp_path_factory.mktemp("trace") / "unpickled"


@pytest.fixture(scope="module")
def no_pictures(trace):
    """Files that are none, whatever they are called."""
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([Loud(trace)], dtype=object))
    return [
        b"",
        pickle.dumps(Loud(trace)),
        buffer.getvalue(),
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<!doctype html><script>1</script>",
        b"GIF89a" + b"\0" * 50,
        encoded("TIFF"),
        encoded("BMP"),
        b"\x89PNG\r\n\x1a\n",
        encoded("PNG")[:20],
        b"RIFF\0\0\0\0WEBP",
    ]


@pytest.fixture(scope="module")
def send(client, workspace):
    """send(content, kind) -> the answers of all addresses that take pictures."""
    of = f"/api/workspaces/{workspace['workspace']}"

    def sent(content, kind="image/png"):
        headers = {} if kind is None else {"Content-Type": kind}
        for address in ("/api/workspaces?name=photo.png", f"{of}/pictures"):
            yield client.post(address, content=content, headers=headers)

    return sent


def test_kinds_are_told_by_their_content():
    assert uploads.kind_of(encoded("PNG")) == "png"
    assert uploads.kind_of(encoded("JPEG")) == "jpg"
    assert uploads.kind_of(encoded("WEBP")) == "webp"


def test_files_that_are_no_pictures_are_refused_whatever_they_are_called(no_pictures):
    for content in no_pictures:
        with pytest.raises(uploads.NoPicture):
            uploads.kind_of(content)


@pytest.mark.parametrize(
    "kind", ["image/png", "image/jpeg", "image/svg+xml", "text/html", "application/octet-stream", None]
)
def test_no_address_takes_what_is_no_picture(send, served, no_pictures, trace, kind):
    before = sorted(served.workdir.rglob("*"))
    for content in no_pictures:
        for done in send(content, kind):
            assert done.status_code == 415 and "\n" not in done.json()["error"], (done.url, content[:20])
    assert sorted(served.workdir.rglob("*")) == before and not trace.exists()


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


def test_what_is_damaged_is_told_by_the_name_that_it_came_with(send, served):
    words = [done.json()["error"] for done in send(encoded("JPEG", size=(400, 300))[:-900])]
    assert [line.partition(":")[0] for line in words] == ["photo.png", "picture"], words
    assert not [line for line in words if str(served.workdir) in line or "truncated" not in line]


def memory():
    """Megabytes of this process, of which the server is a part, at most."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


@pytest.mark.parametrize(
    "name, status",
    [
        ("huge", 413),
        ("profile", 415),
        ("text", 415),
        ("international text", 415),
        ("texts", 415),
        ("pixels", 200),  # more than the header says are left out
        ("text after the pixels", 200),
        ("a larger header first", 400),
        ("a larger header later", 413),
        ("another header after the pixels", 400),
        ("JPEG", 413),
        ("WebP", 413),
    ],
)
def test_no_bomb_takes_memory(send, served, name, status):
    large = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 16, 2, 0, 0, 0))
    jpeg, webp = bytearray(encoded("JPEG")), bytearray(encoded("WEBP"))
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, 65_000, 65_000)
    struct.pack_into("<HH", webp, webp.index(b"\x9d\x01\x2a") + 3, 16_383, 16_383)
    text = chunk(b"zTXt", b"text\0\0" + gigabyte())
    bomb = {
        "huge": lambda: png(50_000, 50_000),
        "profile": lambda: png(32, 32, chunk(b"iCCP", b"icc\0\0" + gigabyte())),
        "text": lambda: png(32, 32, text),
        "international text": lambda: png(32, 32, chunk(b"iTXt", b"text\0\1\0\0\0" + gigabyte())),
        "texts": lambda: png(32, 32, chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(900_000))) * 1000),
        "pixels": lambda: png(32, 32, pixels=gigabyte()),
        "text after the pixels": lambda: png(32, 32, after=[text]),
        "a larger header first": lambda: png(32, 32, depth=16).replace(b"\x1a\n", b"\x1a\n" + large, 1),
        "a larger header later": lambda: png(32, 32, large, depth=16),
        "another header after the pixels": lambda: png(32, 32, depth=16, after=[large]),
        "JPEG": lambda: bytes(jpeg),
        "WebP": lambda: bytes(webp),
    }[name]()
    served._desk.worker.submit(int).result(300)
    with contextlib.suppress(OSError):  # where a kernel allows it the most is counted anew from here on
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = memory()
    assert [done.status_code for done in send(bomb)] == [status] * 2
    assert memory() - before < 400
