import codecs
import json

import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import masks
from deepsim_jax.images.text_files import read_text
from deepsim_jax.primitives.landmarks import rasterise_landmarks
from deepsim_jax.systems.deepsim import recipes

TEXT = '{"steps": [], "who": "Zoë Ψ 画"}\r\n'

ENCODED = {
    "plain": TEXT.encode(),
    "mark": codecs.BOM_UTF8 + TEXT.encode(),
    "16": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "16 big": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "16 without mark": TEXT.encode("utf-16-le"),
    "16 big without mark": TEXT.encode("utf-16-be"),
    "32": codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
}


@pytest.mark.parametrize("how", ENCODED)
def test_text_comes_back_whatever_the_encoding(tmp_path, how):
    path = tmp_path / "a.json"
    path.write_bytes(ENCODED[how])
    assert read_text(path) == TEXT
    assert recipes.read(path) == json.loads(TEXT)


def test_other_encodings_are_refused_in_words(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes('{"who": "Zoë"}'.encode("latin-1"))
    with pytest.raises(ValueError, match="not in UTF-8.*save it as UTF-8"):
        read_text(path)
    for read in (
        recipes.read,
        lambda p: masks.by_polygons(p, 9, 9),
        lambda p: rasterise_landmarks(p, 9, 9),
    ):
        with pytest.raises(UserError, match="save it as UTF-8"):
            read(path)
    path.write_bytes(b"")
    assert read_text(path) == ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_polygons_and_landmarks_as_notepad_writes_them(tmp_path, encoding):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"polygons": [[[3, 3], [8, 3], [8, 6], [3, 6]]]}), encoding=encoding)
    assert masks.by_polygons(path, 20, 20).sum() == 6 * 4
    path.write_text(json.dumps({"points": [{"xy": [5, 5]}]}), encoding=encoding)
    assert rasterise_landmarks(path, 20, 20).any()
