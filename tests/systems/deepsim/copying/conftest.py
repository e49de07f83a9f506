"""Drawings that several tests of copying share."""

import cv2
import numpy as np
import pytest

from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim.copying import trial

COLORS = [(220, 220, 210), (40, 90, 200), (200, 60, 30), (60, 180, 70)]


def regions():
    """A face, roughly: 96x128 px in four colours."""
    drawn = np.full((96, 128, 3), COLORS[0], np.uint8)
    cv2.ellipse(drawn, (64, 50), (34, 40), 0, 0, 360, COLORS[1], cv2.FILLED)
    for x in (50, 78):
        cv2.ellipse(drawn, (x, 40), (8, 5), 0, 0, 360, COLORS[2], cv2.FILLED)
    cv2.ellipse(drawn, (64, 68), (15, 7), 0, 0, 360, COLORS[3], cv2.FILLED)
    return drawn


def analysed(kind):
    drawn = regions()
    if kind in ("edges", "seg_edges"):
        lines = cv2.Canny(cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY), 10, 20) > 0
        under = drawn if kind == "seg_edges" else np.full_like(drawn, 255)
        drawn = np.where(lines[..., None], np.uint8(0), under)
    elif kind == "landmarks":
        drawn = np.zeros_like(drawn)
        for number, (x, y) in enumerate([(50, 40), (78, 40), (64, 54), (54, 68), (74, 68), (64, 88)]):
            cv2.circle(drawn, (x, y), 3, COLORS[number % 4], cv2.FILLED)
    elif kind == "soft":
        drawn = cv2.GaussianBlur(drawn, (0, 0), 3)
        drawn = np.clip(drawn + np.random.default_rng(0).normal(0, 1, drawn.shape), 0, 255).astype(
            np.uint8
        )
    return primitives.analyse(drawn, "paint" if kind == "soft" else kind)


@pytest.fixture(scope="session")
def drawing():
    """kind ("soft" is a painting) -> a conformed primitive of 96x128 px and its spec."""
    return analysed


@pytest.fixture(scope="session")
def far_field():
    """A random warp that moves most pixels by more than 4."""
    return trial.draw_field(96, 128, np.random.default_rng(4), jitter=0.1, local=False)
