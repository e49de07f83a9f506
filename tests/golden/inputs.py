"""What the user of the tour and of the old folders had in the folder: photos, frames, drawings."""

from pathlib import Path

import cv2
import numpy as np

SMALL = (
    "--config=quickstart:tiny",
    "--config.data.kind=seg",
    "--config.model.filters=2",
    "--config.model.blocks=1",
    "--config.model.downsamplings=1",
    "--config.model.d_filters=2",
    "--config.model.d_layers=1",
    "--config.model.d_scales=1",
    "--config.loss.perceptual=none",
    "--config.train.log_every=1",
    "--config.train.save_every=1",
    "--config.train.preview_every=4",
)
"""Keys of networks of DeepSIM that are as small as can be."""

SAME = (*SMALL, "--config.seed=1")
"""Of runs of 4 steps at 40x32 px. The seed is that of the second stage of a run with 4 coarse steps, so
that all are compiled to one program."""


def write(path: Path, picture: np.ndarray):
    """Writes a picture, RGB, and makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


def read(path: Path) -> np.ndarray:
    """A picture, RGB."""
    return cv2.imread(str(path))[..., ::-1].copy()


def write_inputs(folder: Path):
    """A photo, a sequence of three frames and two photos of an album, all of 40x32 px."""
    photo = scene()
    write(folder / "photo.png", photo)
    write(folder / "photos" / "first.png", photo[::-1])
    write(folder / "photos" / "second.png", photo[:, ::-1])
    for index in range(3):
        drawing = np.full((32, 40, 3), 200, np.uint8)
        drawing[8:20, 4 + 4 * index : 20 + 4 * index] = 40
        noise = np.random.default_rng(index).integers(0, 30, drawing.shape)
        split = "test" if index else "train"
        write(folder / "box" / f"{split}_seg" / f"{index}.png", drawing)
        write(
            folder / "box" / f"{split}_B" / f"{index}.png", (drawing // 2 + 60 + noise).astype(np.uint8)
        )


def scene(times: int = 1) -> np.ndarray:
    """A photo of 40x32 px, or larger: a disk and a box before a slope, with some noise."""
    y, x = np.mgrid[: 32 * times, : 40 * times] / times
    photo = np.stack([3 * x, 4 * y, 160 - 2 * y], -1) + 30
    photo[(x - 13) ** 2 + (y - 14) ** 2 < 64] = 230, 190, 60
    photo[(20 <= y) & (y < 29) & (25 <= x) & (x < 37)] = 30, 60, 150
    photo = photo + np.random.default_rng(0).integers(-4, 5, photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)
