"""Pictures and files that several tests of picture files need."""

import struct
import zlib

import numpy as np
import pytest


@pytest.fixture(scope="session")
def shot():
    """A photo of 48x32 px, uint8: a slope of colours with a box, and noise."""
    y, x = np.mgrid[:32, :48]
    picture = np.stack([x * 5, y * 7, 235 - x * 4], -1)
    picture[8:20, 10:30] = 200, 40, 30
    noise = np.random.default_rng(0).normal(0, 5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def png_16():
    """Makes a PNG of uint16 (H, W, 1 | 2 | 3 | 4) with further (kind, content) chunks."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    def make(pixels, *chunks):
        height, width, channels = pixels.shape
        header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
        parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)

    return make
