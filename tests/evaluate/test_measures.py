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
    gone = {
        label: (name, digest, (tmp_path / "nowhere.pth").as_uri())
        for label, (name, digest, _) in pretrained._INCEPTION.items()
    }
    monkeypatch.setattr(pretrained, "_INCEPTION", gone)


def test_without_inception_the_columns_say_so(offline):
    columns, absent = evaluate.available()
    assert list(absent) == ["sifid_64", "sifid_192"]
    assert columns == ["lpips_alex", "lpips_vgg16", "frechet_vgg16", "ssim", "psnr", "rmse"]
    for reason in absent.values():
        assert "Inception-v3" in reason and reason.count(".") == 1 and reason.endswith(".")
        assert "/" not in reason and "\n" not in reason
    with pytest.raises(UserError, match="not there and not downloaded"):
        evaluate.available("download")


def test_the_weights_of_fid_have_columns_of_their_own(inception_file, monkeypatch, caplog):
    digest = pretrained.identify_inception(inception_file)[1]
    name, _, url = pretrained._INCEPTION["fid"]
    evaluate.available(inception_file)
    assert "not a published file" in caplog.text and digest in caplog.text
    monkeypatch.setitem(pretrained._INCEPTION, "fid", (name, digest, url))
    columns, absent = evaluate.available(inception_file)
    assert columns[2:4] == ["sifid_64_fid", "sifid_192_fid"]
    assert set(absent) == {"sifid_64", "sifid_192"} and "holds the weights of FID" in absent["sifid_64"]
    row = evaluate.measure(CAT, PERSON, ["sifid_64_fid"], inception=inception_file)
    assert row == {"sifid_64_fid": evaluate.sifid(CAT, PERSON, weights="fid", file=inception_file)}
    with pytest.raises(UserError, match="the weights 'fid', not 'imagenet'"):
        pretrained.load_inception("imagenet", inception_file)


def test_all_columns_equal_the_functions(inception_file):
    file = inception_file
    columns, absent = evaluate.available(file)
    assert columns == [key for key in evaluate.COLUMNS if not key.endswith("_fid")] and not absent
    row = evaluate.measure(CAT, PERSON, inception=file)
    assert row == {
        "lpips_alex": evaluate.lpips(CAT, PERSON),
        "lpips_vgg16": evaluate.lpips(CAT, PERSON, net="vgg16"),
        "sifid_64": evaluate.sifid(CAT, PERSON, file=file),
        "sifid_192": evaluate.sifid(CAT, PERSON, channels=192, file=file),
        "frechet_vgg16": evaluate.frechet_vgg16(CAT, PERSON),
        "ssim": evaluate.ssim(CAT, PERSON),
        "psnr": evaluate.psnr(CAT, PERSON),
        "rmse": evaluate.rmse(CAT, PERSON),
    }
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
