"""Contact sheets: pictures in rows and columns with their labels, as one picture."""

from collections.abc import Sequence

import cv2
import numpy as np

_GAP = 6
_LINE = 22
_FONT, _FONT_SCALE, _PEN = cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30)


def contact_sheet(
    rows: Sequence[tuple[str, Sequence[np.ndarray]]], *, columns: Sequence[str] = ()
) -> np.ndarray:
    """Rows of pictures, each with its label above it, on white.

    Args:
      rows: (label, pictures); uint8 (h, w, 3) of any sizes, which are not changed; aligned at the
        upper left. Labels are of Latin letters, because of the font.
      columns: labels above the columns.

    Returns:
      uint8 (H, W, 3), large enough for the largest picture of each row and column.
    """
    count = max([len(columns), *(len(pictures) for _, pictures in rows)])
    widths = [
        max(
            [
                _width(columns[i]) if i < len(columns) else 1,
                *(pictures[i].shape[1] for _, pictures in rows if i < len(pictures)),
            ]
        )
        for i in range(count)
    ]
    total = max([sum(widths) + _GAP * (count - 1), *(_width(label) for label, _ in rows)])
    lines = []
    if columns:
        line = np.full((_LINE, total, 3), 255, np.uint8)
        for label, left in zip(columns, _starts(widths), strict=False):
            _write(line, label, left)
        lines.append(line)
    for label, pictures in rows:
        title = np.full((_LINE, total, 3), 255, np.uint8)
        _write(title, label, 0)
        height = max(picture.shape[0] for picture in pictures)
        line = np.full((height + _GAP, total, 3), 255, np.uint8)
        for picture, left in zip(pictures, _starts(widths), strict=False):
            line[: picture.shape[0], left : left + picture.shape[1]] = picture
        lines += [title, line]
    return np.concatenate(lines)


def _starts(widths):
    return [sum(widths[:i]) + _GAP * i for i in range(len(widths))]


def _write(line, label, left):
    cv2.putText(line, label, (left + 1, _LINE - 7), _FONT, _FONT_SCALE, _PEN, 1, cv2.LINE_AA)


def _width(label):
    return cv2.getTextSize(label, _FONT, _FONT_SCALE, 1)[0][0] + 3
