"""How much of the finest detail a picture has."""

import cv2
import numpy as np


def finest_octave(picture: np.ndarray) -> float:
    """Energy of the upper half of the frequencies that a picture can have, along either axis.

    That is what a picture of half the size could not show: one that was enlarged by 2 or more has next to
    none. The picture fades out towards its borders (Hann's window), beyond which it would jump.

    Args:
      picture: (H, W, 3) uint8.

    Returns:
      Mean square over the pixels, in squared levels of 0 to 255.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = grey.shape
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[1:-1]
    spectrum = np.fft.fft2((grey - grey.mean()) * window)
    fine = np.maximum(np.abs(np.fft.fftfreq(height))[:, None], np.abs(np.fft.fftfreq(width))) > 0.25
    return float(np.square(np.abs(spectrum[fine])).sum() / (height * width) / np.square(window).sum())
