"""Pictures that move and change their colours in known ways."""

import cv2
import numpy as np
import skimage.data

from deepsim_jax.ops import color_change
from deepsim_jax.ops import field as fields

SIDE = 64


def shoe(random):
    """Something dark and striped before a light ground."""
    big = np.full((256, 256, 3), 255, np.uint8)
    outline = [[30, 170], [60, 120], [110, 100], [150, 60], [210, 50], [225, 120], [225, 190], [30, 190]]
    outline = np.array(outline) + random.integers(-8, 8, (8, 2))
    cv2.fillPoly(big, [outline.astype(np.int32)], random.integers(40, 200, 3).tolist(), cv2.LINE_AA)
    cv2.rectangle(big, (28, 188), (228, 204), (40, 30, 30), cv2.FILLED)
    for x in range(110, 190, 20):
        cv2.line(big, (x, 155 - x // 2), (x + 20, 185 - x // 2), (240, 240, 230), 3, cv2.LINE_AA)
    shading = 1 + 0.25 * _smooth(random, (256, 256), 12)
    picture = np.where(big.min(-1, keepdims=True) < 250, big * shading[..., None], big)
    return _small(cv2.GaussianBlur(picture.astype(np.float32) / 255, (0, 0), 3))


def blobs(random):
    """Clouds of colour."""
    clouds = [size * _smooth(random, (SIDE, SIDE, 3), sigma) for sigma, size in ((2, 0.25), (5, 0.5))]
    return np.clip(0.5 + 0.6 * sum(clouds), 0, 1)


def shapes(random):
    """Ellipses of one colour each."""
    big = np.full((256, 256, 3), random.integers(100, 255, 3).tolist(), np.uint8)
    for _ in range(12):
        place, axes = random.integers(20, 236, 2).tolist(), random.integers(12, 60, 2).tolist()
        color = random.integers(0, 256, 3).tolist()
        cv2.ellipse(big, place, axes, random.uniform(0, 180), 0, 360, color, cv2.FILLED, cv2.LINE_AA)
    return _small(cv2.GaussianBlur(big.astype(np.float32) / 255, (0, 0), 2))


def photo(random):
    """A photo of coffee, of which a random part is taken."""
    whole = skimage.data.coffee()
    side = int(random.integers(250, 400))
    top, left = (int(random.integers(0, length - side + 1)) for length in whole.shape[:2])
    return _small(whole[top : top + side, left : left + side].astype(np.float32) / 255)


KINDS = {"shoe": shoe, "blobs": blobs, "shapes": shapes, "photo": photo}


def draw(kind, seed, *, move=3.0, count=10):
    """A path of pictures with all that is known of it.

    Returns:
      The (count, 64, 64, 3) pictures in [0, 1], the last one's field and change of colour since the
      first, and where in it there is something to be seen.
    """
    random = np.random.default_rng(seed)
    first = 0.15 + 0.7 * KINDS[kind](random).astype(np.float32)
    still = fields.identity(SIDE, SIDE)
    moved = _smooth(random, (SIDE, SIDE, 2), 9)
    moved *= move / np.abs(moved).max()
    change = 0.04 * _smooth(random, (SIDE, SIDE, 12), 14).reshape(SIDE, SIDE, 3, 4)
    change[..., :3] += 0.15 * random.uniform(-1, 1, (3, 3)) - 0.2 * np.diag(random.uniform(0, 1, 3))
    change[..., 3] += 0.1 * random.uniform(-1, 1, 3)
    pictures = []
    for share in np.linspace(0, 1, count, dtype=np.float32):
        seen = fields.interpolate(first, still + share * moved)
        pictures.append(np.clip(color_change.apply(share * change, seen), 0, 1))
    field = still + moved
    there = fields.interpolate(first, field).min(-1) < 0.83
    there = cv2.dilate(there.astype(np.uint8), np.ones((3, 3))) > 0
    return np.stack(pictures), field, change.astype(np.float32), there


def tinted(color):
    """A shaded, striped thing of a colour in [0, 1] before white."""
    outline = np.zeros((256, 256), np.float32)
    points = [[30, 170], [60, 120], [110, 100], [150, 60], [210, 50], [225, 120], [225, 190], [30, 190]]
    cv2.fillPoly(outline, [np.array(points)], 1.0, cv2.LINE_AA)
    shading = 1 + 0.15 * _smooth(np.random.default_rng(1), (256, 256), 12)
    for x in range(110, 190, 20):
        cv2.line(shading, (x, 155 - x // 2), (x + 20, 185 - x // 2), 0.5, 3, cv2.LINE_AA)
    outline, shading = (
        _small(cv2.GaussianBlur(plane, (0, 0), 3))[..., None] for plane in (outline, shading / 2)
    )
    return (1 - outline + outline * np.clip(2 * shading * np.asarray(color), 0, 1)).astype(np.float32)


def _smooth(random, shape, sigma):
    noise = random.normal(size=shape).astype(np.float32)
    parts = [
        cv2.GaussianBlur(noise.reshape(*shape[:2], -1)[..., n], (0, 0), sigma)
        for n in range(noise[0, 0].size)
    ]
    smooth = np.stack(parts, -1).reshape(shape)
    smooth -= smooth.mean((0, 1))
    return smooth / np.abs(smooth).max()


def _small(picture):
    return np.clip(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), 0, 1)
