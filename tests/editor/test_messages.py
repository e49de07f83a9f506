"""Strict JSON within a second, exact pictures."""

import time

import numpy as np
import pytest

from deepsim_jax import UserError
from deepsim_jax.editor import messages
from deepsim_jax.systems.contract import Rendering


@pytest.mark.parametrize(
    "body, words",
    [
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "no number"),
        (b'{"a": 1e400}', "too large"),
        (b'{"a": 1' + 400 * b"0" + b"}", "too large"),
        (b'{"a": 1e13}', "too large"),
        (b"9" * 5000, "cannot be read"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "nested deeper"),
        (b'["' + b"a" * 30_000 + b'"]', "a text of more"),
        (b'{"' + b"a" * 30_000 + b'": 1}', "a text of more"),
        (b"[" + b"1," * 300_000 + b"1]", "more than 200000 values"),
        (b"[" + b"[]," * 1_300_000 + b"1]", "more than 200000 values"),  # as long as bodies may be
        (b"[" + (b"[" * 14 + b"]" * 14 + b",") * 140_000 + b"1]", "more than 200000 values"),
        (b"\xff\xfe", "cannot be read"),
        (b"", "cannot be read"),
        (b"{'a': 1}", "cannot be read"),
    ],
)
def test_json_that_is_refused_is_refused_within_a_second(body, words):
    begun = time.thread_time()  # of this thread alone, whatever else the machine does
    with pytest.raises(UserError, match=words) as error:
        messages.read_json(body)
    assert time.thread_time() - begun < 1 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "what", ["actions", "position", "opening", "preview", "recipe", "training", "film", ""]
)
def test_every_address_that_takes_json_refuses_it_within_a_second(served, client, address, what):
    path = f"{address}/{what}" if what else "/api/workspaces"
    method = "PUT" if what == "opening" else "POST"
    before = client.get(address).json()
    for value in (
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"[" * 100_000,
        b'[{"a": ' * 10 + b"1" + b"}]" * 10,
        b"[" + b"[]," * 1_300_000 + b"1]",
        b'"' + b"a" * 30_000 + b'"',
        b"9" * 5000,
        b"'1'",
    ):
        served._desk.worker.submit(int).result(300)
        begun = time.process_time()  # of this process, of which the server is a part
        headers = {"Content-Type": "application/json"}
        done = client.request(method, path, content=b'{"base": 1, "a": ' + value + b"}", headers=headers)
        assert time.process_time() - begun < 1, value[:20]
        assert done.status_code == 400 and done.json()["error"].startswith("JSON: "), value[:20]
    assert client.get(address).json() == before


def test_json_is_read():
    value = {"a": [1, 2.5, None, True, "ä"], "b": {"c": []}}
    assert messages.read_object(b'{"a": [1, 2.5, null, true, "\xc3\xa4"], "b": {"c": []}}') == value
    with pytest.raises(UserError, match="an object"):
        messages.read_object(b"[1]")


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_png_has_exactly_the_pixels(shape, picture_of):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(picture_of(messages.png(picture)), picture)


def test_masks_thumbnails_and_previews(picture_of):
    mask = np.arange(12).reshape(3, 4) > 5
    np.testing.assert_array_equal(picture_of(messages.mask_png(mask)) > 0, mask)
    picture = np.full((200, 400, 3), (200, 30, 90), np.uint8)
    small = picture_of(messages.thumbnail(picture))
    assert small.shape == (48, 96, 3) and np.abs(small.astype(int) - [200, 30, 90]).max() < 8
    assert picture_of(messages.webp(picture)).shape == picture.shape
    assert messages.fitted(picture, 100).shape == (50, 100, 3)


def test_words_of_errors_are_one_line():
    assert messages.error(404, "two\n lines", more=1).body == b'{"error":"two lines","more":1}'


def test_headers_tell_what_is_beside_a_picture():
    rendering = Rendering((np.zeros((1, 1, 3)),) * 3, None, 12.34, ("ä, b",), rate=10.0, chosen=2)
    headers = messages.rendering_headers(rendering)
    assert headers == {
        "Milliseconds": "12.3",
        "Candidates": "3",
        "Chosen": "2",
        "Doubts": "%5B%22%5Cu00e4%2C%20b%22%5D",
        "Rate": "10",
    }
