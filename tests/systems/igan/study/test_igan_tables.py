import json

import cv2
import numpy as np
import pytest

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.systems.igan import transfer
from deepsim_jax.systems.igan.study import published, tables

SETTINGS = {"config": "none"}


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(20, 230, (5, 16, 16, 3)).astype(np.uint8)


def shifted(by):
    """Stands for a projection: all pictures are wrong by so many levels."""
    return lambda pictures: (pictures.astype(int) + by).astype(np.uint8)


def figures(found, picture, key):
    rows = next(each["rows"] for each in found["pictures"] if each["name"] == picture)
    return next(row["figures"] for row in rows if row["key"] == key)


def test_reconstruction_by_three_solvers(pictures, tmp_path):
    solvers = {"hybrid": shifted(2), "optimise": shifted(5), "network": shifted(9)}
    found = tables.reconstruction(tmp_path, {"noise": pictures}, solvers, settings=SETTINGS)
    for key, by in (("optimise", 5), ("network", 9), ("hybrid", 2)):
        of = figures(found, "noise", key)
        assert of["rmse"] == pytest.approx(by) and of["seconds"] >= 0
        assert of["psnr"] == pytest.approx(evaluate.psnr(shifted(by)(pictures)[0], pictures[0]))
    assert found["findings"] == [
        "RMSE of 255: network, then optimisation 2.0, optimisation, several starts 5.0, network 9.0."
    ]
    page = (tmp_path / "report.html").read_text()
    assert "Zhu, Krähenbühl" in page and "held-out.png" in (tmp_path / "table.json").read_text()
    with pytest.raises(UserError, match="solver 'guess'"):
        tables.reconstruction(tmp_path, {"noise": pictures}, {"guess": shifted(0)}, settings={})
    with pytest.raises(UserError, match="none: no pictures were held out"):
        tables.reconstruction(tmp_path, {"none": pictures[:0]}, solvers, settings={})


def test_classes_by_their_own_model_by_one_of_all_and_by_anothers(pictures, tmp_path):
    asked, stopped = [], True

    def train(names, folder):
        asked.append((names, folder.name))
        if stopped and len(names) > 1:
            return None
        return lambda given: shifted(2 if len(names) > 1 else len(names[0]))(given)

    held_out = {"shoe": pictures, "handbag": pictures[:2]}
    found = tables.classes(tmp_path, held_out, train, settings=SETTINGS)
    assert found["pending"] == ["shoe", "handbag"] and not found["pictures"]
    stopped = False
    found = tables.classes(tmp_path, held_out, train, settings=SETTINGS)
    assert [figures(found, "shoe", key)["rmse"] for key in ("own", "together", "wrong")] == pytest.approx(
        [4, 2, 7]
    )
    assert [figures(found, "handbag", key)["rmse"] for key in ("own", "wrong")] == pytest.approx([7, 4])
    assert {("shoe",), ("handbag",), ("shoe", "handbag")} == {names for names, _ in asked}
    assert {folder for names, folder in asked if len(names) > 1} == {"all together"}
    with pytest.raises(UserError, match="two or more"):
        tables.classes(tmp_path, {"shoe": pictures}, train, settings=SETTINGS)


def card(shade, width):
    """A striped card before a light ground, at 128 px."""
    picture = np.full((128, 128, 3), 235, np.float32)
    picture[40:90, 20 : 20 + width] = [shade, 90, 200 - shade]
    picture[40:90, 24 : 20 + width : 8] -= 40
    return cv2.GaussianBlur(picture, (0, 0), 0.6)


@pytest.fixture
def photos(tmp_path):
    """Three photos with detail, and a generator of what they show without it."""
    noise = np.random.default_rng(1)
    known = [(40, 60), (150, 72), (90, 84)]
    for number, of in enumerate(known):
        picture = card(*of) + noise.normal(0, 6, (128, 128, 3))
        images.write_png(tmp_path / f"{number}.png", np.clip(picture, 0, 255).astype(np.uint8))

    def project(photo):
        away = [np.abs(photo - card(*of)).mean() for of in known]
        return np.float32(known[int(np.argmin(away))]) / 200, (0, 0, *photo.shape[1::-1])

    def generate(latents):
        cards = [card(float(shade), round(float(width))) for shade, width in 200 * np.asarray(latents)]
        small = [cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA) for one in cards]
        return np.stack(small) / 127.5 - 1

    return [tmp_path / f"{number}.png" for number in range(3)], project, generate


@pytest.mark.slow
def test_transfers_beside_other_ways(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "Realism", lambda others: lambda picture: float(len(others)))
    specs, project, generate = photos
    found = tables.transfers(tmp_path / "t", specs, project, generate, settings=SETTINGS)
    assert [each["name"] for each in found["pictures"]] == ["0.png", "1.png", "2.png"]
    for name in ("0.png", "1.png"):
        keys = ("generated", "pasted", "aligned", "aligned-pasted", "shape", "transfer")
        of = {key: figures(found, name, key) for key in keys}
        assert all(of[key]["frechet_photos"] == 2 for key in keys)
        assert of["generated"]["finest_octave"] < 20 < 60 < of["transfer"]["finest_octave"] < 150
        assert of["transfer"]["rmse"] < min(of["shape"]["rmse"], of["aligned"]["rmse"])
    assert "It keeps" in found["findings"][-1] and found["published"][0]["rows"][0][1] == (5.0,)
    assert json.loads((tmp_path / "t" / "table.json").read_text()) == json.loads(json.dumps(found))
    with pytest.raises(UserError, match="2 photos: the table of transfers needs 3"):
        tables.transfers(tmp_path / "t2", specs[:2], project, generate, settings=SETTINGS)


def test_pasting_adds_the_pixels_change_in_the_box_alone():
    photo = np.full((20, 30, 3), 100, np.uint8)
    frames = np.stack([np.full((4, 4, 3), level, np.float32) for level in (0, 0.2)])
    pasted = tables.paste(photo, frames, (10, 5, 12, 10))
    assert (
        (pasted[5:15, 10:22] == 126).all() and (pasted[:5] == 100).all() and (pasted[:, :10] == 100).all()
    )


def test_alignment_moves_the_photo_and_keeps_its_colors():
    picture = cv2.GaussianBlur(np.random.default_rng(3).random((32, 32, 3), np.float32), (0, 0), 2)
    picture = 2 * (picture - picture.min()) / np.ptp(picture) - 1
    frames = np.stack([picture, np.roll(picture, 2, axis=1)])
    photo = cv2.resize(np.uint8(127.5 * (picture + 1)), (64, 64), interpolation=cv2.INTER_CUBIC)
    aligned = tables.align(photo, frames, (0, 0, 64, 64))
    wanted = np.roll(photo, 4, axis=1)
    inner = slice(12, 52), slice(12, 52)
    before, after = (np.abs(p[inner].astype(int) - wanted[inner]).mean() for p in (photo, aligned))
    assert after < 0.4 * before


def test_alignment_may_paste_the_colors_that_are_left():
    x = np.linspace(0, 12, 32, dtype=np.float32)
    first = np.float32(0.2 * (np.sin(x) + np.cos(1.3 * x[:, None])))[..., None].repeat(3, -1)
    frames = np.stack([first, np.roll(first, 1, axis=1)])
    frames[1] += np.float32([0.4, 0, -0.2])
    photo = np.full((64, 64, 3), 100, np.uint8)
    inner = slice(12, 52), slice(12, 52)
    plain = tables.align(photo, frames, (0, 0, 64, 64))
    pasted = tables.align(photo, frames, (0, 0, 64, 64), color=True)
    assert (plain == 100).all()
    change = pasted[inner].astype(int).mean((0, 1)) - 100
    np.testing.assert_allclose(change, 127.5 * np.array([0.4, 0, -0.2]), atol=5)


def test_each_printed_row_has_a_figure_for_each_column():
    for table in published.TRANSFERS:
        assert all(len(row) == len(table.columns) for _, row in table.rows) and table.where


def test_transfer_is_what_the_table_calls_so(photos):
    specs, project, generate = photos
    photo = images.read_image(specs[0])
    (start, box), (end, _) = project(photo), project(images.read_image(specs[1]))
    frames = transfer.path(generate, start, end)
    label, method = tables._METHODS["transfer"]
    assert np.array_equal(
        method(photo, frames, box), transfer.transfer(generate, start, end, photo, box=box)
    )
