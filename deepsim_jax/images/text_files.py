"""Text files as users' editors write them."""

import codecs
import os
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's mark, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: str | os.PathLike) -> str:
    """The text of a file in UTF-8, or in what the byte order mark at its beginning says.

    Notepad and PowerShell write such marks. UTF-16 without one is told by the zero in every other byte.

    Raises:
      OSError: the file cannot be read.
      ValueError: it is in none of these encodings.
    """
    data = Path(path).read_bytes()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    if len(data) >= 2 and len(data) % 2 == 0 and 0 in data[:2]:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not in UTF-8 (byte {error.start}); save it as UTF-8") from error
