import numpy as np
import pytest
from skimage import data

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.weights import pretrained

CAT, PERSON = data.chelsea()[60:100, 90:142], data.astronaut()[20:60, 180:232]


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """An empty cache folder and published files that cannot be reached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    gone = {label: (name, digest, (tmp_path / "nowhere.pth").as_uri())
            for label, (name, digest, _) in pretrained._INCEPTION.items()}
    monkeypatch.setattr(pretrained, "_INCEPTION", gone)


@pytest.mark.parametrize("download", [True, False])
def test_without_inception_the_columns_say_so(offline, download):
    columns, absent = evaluate.available(download=download)
    assert list(absent) == ["sifid_64", "sifid_192"]
    assert [key for key in evaluate.COLUMNS if key not in absent] == columns
    for reason in absent.values():
        assert "Inception-v3" in reason and reason.count(".") == 1 and reason.endswith(".")
        assert "/" not in reason and "\n" not in reason


def test_all_columns_equal_the_functions(inception_file):
    file = inception_file
    columns, absent = evaluate.available(file)
    assert columns == list(evaluate.COLUMNS) and not absent
    row = evaluate.measure(CAT, PERSON, inception=file)
    assert row == {
        "lpips_alex": evaluate.lpips(CAT, PERSON),
        "lpips_vgg16": evaluate.lpips(CAT, PERSON, net="vgg16"),
        "sifid_64": evaluate.sifid(CAT, PERSON, file=file),
        "sifid_192": evaluate.sifid(CAT, PERSON, channels=192, file=file),
        "frechet_vgg16": evaluate.frechet_vgg16(CAT, PERSON), "ssim": evaluate.ssim(CAT, PERSON),
        "psnr": evaluate.psnr(CAT, PERSON), "rmse": evaluate.rmse(CAT, PERSON)}
    assert list(row) == columns


def test_batches_and_a_choice_of_columns(offline):
    a, b = np.stack([CAT, PERSON, CAT]), np.stack([PERSON] * 3)
    rows = evaluate.measure(a, b, columns=["rmse", "lpips_alex"])
    assert list(rows) == ["rmse", "lpips_alex"]
    for key, values in rows.items():
        assert values.shape == (3,) and values[1] == 0, key
        assert values[0] == pytest.approx(evaluate.measure(CAT, PERSON, [key])[key], abs=1e-6)


def test_refuses(offline, tmp_path):
    with pytest.raises(UserError, match="no column is called 'fid'; the columns are lpips_alex, "):
        evaluate.measure(CAT, PERSON, ["ssim", "fid"])
    with pytest.raises(UserError, match="mine.pth: cannot be read"):
        evaluate.available(tmp_path / "mine.pth")
    with pytest.raises(UserError, match="SHA-256 begins with 0cc3c7bd"):
        evaluate.measure(CAT, PERSON, ["sifid_64"])
