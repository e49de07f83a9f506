import numpy as np
import pytest

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import naturalness
from deepsim_jax.images import io as images
from deepsim_jax.sequences import video_datasets
from deepsim_jax.systems.singan import applications, inpainting
from deepsim_jax.systems.singan.study import inpainting_cases as damages
from deepsim_jax.systems.singan.study import tables as singan_tables

SETTINGS = {"config": "none"}


def learned_of(untrained_pyramid, photo):
    size = photo.shape[:2]
    return untrained_pyramid(size=size, min_size=round(0.75 * min(size)))


@pytest.fixture
def train(untrained_pyramid):
    """Stands for a training: random weights at the photo's size; knows what it was given."""

    def begin(photo, folder):
        begin.given.append((photo, folder))
        return None if begin.stopped else learned_of(untrained_pyramid, photo)

    begin.given, begin.stopped = [], False
    return begin


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    y, x = np.mgrid[:30, :42]
    images.write_png(path, np.stack([x * 6, y * 8, 255 - x * 6], -1).astype(np.uint8))
    return path


def figures(found, key, picture=0):
    return next(row["figures"] for row in found["pictures"][picture]["rows"] if row["key"] == key)


@pytest.mark.slow
def test_samples(train, photo, tmp_path, monkeypatch, untrained_pyramid):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(singan_tables, "SAMPLED", ("sifid_64", "frechet_vgg16"))
    found = singan_tables.samples(tmp_path / "t", [photo], train, settings=SETTINGS, count=3, seed=5)
    assert (
        found["columns"] == ["frechet_vgg16", "diversity", "contrast", "psnr"]
        and "sifid_64" in found["absent"]
    )
    ((given, folder),) = train.given
    assert (given == images.read_image(photo)).all() and folder == tmp_path / "t" / "photo.png" / "run"
    learned = learned_of(untrained_pyramid, given)
    assert learned.scales == len(learned.pyramid.sizes) == 2
    truth = applications.training_picture(learned, given)
    for start in (0, 1):
        made = applications.sample(learned, 3, seed=5, start_scale=start)
        row = figures(found, f"scale-{start}")
        assert row["diversity"] == pytest.approx(evaluate.diversity(made, truth))
        assert row["contrast"] == pytest.approx(evaluate.contrast(made, truth))
        assert row["frechet_vgg16"] == pytest.approx(
            np.mean([evaluate.frechet_vgg16(one, truth) for one in made])
        )
        written = images.read_image(tmp_path / "t" / "photo.png" / f"sample-{start}-2.png")
        assert (written == made[2]).all()
    assert "Samples, printed" in (tmp_path / "t" / "report.html").read_text()
    with pytest.raises(UserError, match="diversity needs at least 2"):
        singan_tables.samples(tmp_path / "t", [photo], train, settings=SETTINGS, count=1)
    with pytest.raises(UserError, match="samples: 3 -> 4"):
        singan_tables.samples(tmp_path / "t", [photo], train, settings=SETTINGS, count=4, seed=5)


@pytest.mark.slow
def test_enlarging(train, tmp_path, monkeypatch):
    photo = np.random.default_rng(0).integers(0, 256, (49, 55, 3)).astype(np.uint8)
    images.write_png(tmp_path / "noise.png", photo)
    monkeypatch.setattr(naturalness, "MIN_SIDE", 1)
    monkeypatch.setattr(evaluate, "niqe", lambda picture: float(picture.mean()))
    found = singan_tables.enlarging(
        tmp_path / "t", [tmp_path / "noise.png"], train, settings=SETTINGS, times=2
    )
    ((small, _),) = train.given
    photo = photo[:48, :54]
    assert small.shape == (24, 27, 3)
    # A reduction by 2 of noise is nearly the mean of each 2x2 block.
    blocks = photo.reshape(24, 2, 27, 2, 3).mean((1, 3))
    assert np.corrcoef(small.ravel(), blocks.ravel())[0, 1] > 0.85
    folder = tmp_path / "t" / "noise.png"
    for key in ("bicubic", "singan"):
        made = images.read_image(folder / f"{key}.png")
        assert made.shape == photo.shape
        assert figures(found, key) == pytest.approx(
            {"rmse": evaluate.rmse(made, photo), "psnr": evaluate.psnr(made, photo), "niqe": made.mean()}
        )
    assert figures(found, "truth") == {"niqe": photo.mean()}
    monkeypatch.setattr(video_datasets, "clips_folder", lambda: None)
    other = singan_tables.enlarging(
        tmp_path / "u", [tmp_path / "noise.png"], train, settings=SETTINGS, times=2
    )
    assert "niqe" not in other["columns"] and "pip install" in other["absent"]["niqe"]
    with pytest.raises(UserError, match="a whole number of 2 or more"):
        singan_tables.enlarging(tmp_path / "t", [], train, settings=SETTINGS, times=2.5)


@pytest.mark.slow
def test_inpainted(train, tmp_path):
    cases = damages.CASES[1], damages.CASES[4]
    train.stopped = True
    found = singan_tables.inpainted(tmp_path, train, settings=SETTINGS, side=64, cases=cases)
    assert found["pending"] == ["face", "cup"] and not found["pictures"]
    train.stopped = False
    train.given.clear()
    found = singan_tables.inpainted(tmp_path, train, settings=SETTINGS, side=64, cases=cases)
    assert not found["pending"] and len(found["findings"]) == 3
    face, cup = (damages.damage(case, 64) for case in cases)
    # The clean picture is trained on only where a sample of it is the reference.
    assert [str(folder.relative_to(tmp_path)) for _, folder in train.given] == [
        "face/run",
        "cup/run",
        "cup/clean-run",
    ]
    given = [photo for photo, _ in train.given]
    for photo, case in zip(given, (face, cup), strict=False):
        assert (photo == inpainting.training_picture(case.picture, case.hole)).all()
    assert (given[2] == cup.clean).all()
    for number, case in enumerate((face, cup)):
        folder = tmp_path / cases[number].name
        for file in folder.glob("*.png"):
            made = images.read_image(file)
            if "reference.png" not in file.name:
                assert (made[~case.hole] == case.clean[~case.hole]).all(), file
            if "true" not in file.name:
                assert (made[case.hole] != case.clean[case.hole]).any(-1).mean() > 0.5, file
    telea = inpainting.classical(face.picture, face.hole, "telea")
    assert figures(found, "telea") == pytest.approx(
        {
            "ssim_hole": evaluate.ssim(telea, face.clean, region=face.hole),
            "ssim": evaluate.ssim(telea, face.clean),
            "asvs": evaluate.asvs(telea, face.hole),
            "rmse_hole": np.sqrt(np.mean((telea.astype(float) - face.clean)[face.hole] ** 2)),
        }
    )
    pasted = images.read_image(next((tmp_path / "face").glob("*-reference-pasted-in.png")))
    assert (pasted[face.hole] == face.reference[face.hole]).all()
    assert figures(found, "truth", 1)["ssim_hole"] == pytest.approx(1)
    page = (tmp_path / "report.html").read_text()
    assert "a sample of the clean picture from scale 1" in page and "ASVS, printed" in page
