import jax
import numpy as np
import pytest
from scipy import linalg
from skimage import data

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import frechet, inputs
from deepsim_jax.nets.features import vgg_features
from deepsim_jax.nets.inception import inception_features
from deepsim_jax.weights import pretrained

CAT, PERSON = data.chelsea()[60:100, 90:142], data.astronaut()[20:60, 180:232]


def by_scipy(a, b):
    """The textbook formula with a float64 matrix square root."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a, cov_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    root = linalg.sqrtm(cov_a @ cov_b).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * root)


def features(seed, count=300, channels=20):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(count, channels)) @ rng.normal(size=(channels, channels))
        + rng.normal(size=channels)
    ).astype(np.float32)


@pytest.mark.parametrize("count_a, count_b, channels", [(300, 200, 20), (60, 500, 50), (40, 40, 1)])
def test_equals_scipys_square_root(count_a, count_b, channels):
    a, b = features(0, count_a, channels), features(1, count_b, channels)
    assert evaluate.frechet_distance(a, b) == pytest.approx(by_scipy(a, b), rel=1e-10)


def test_equals_scipys_square_root_on_features_of_photographs():
    tap = jax.jit(lambda params, x: vgg_features(params, x, ["relu2_2"])[0])
    params = pretrained.load_vgg16()
    rows = [np.asarray(tap(params, inputs.signed(p[None]))).reshape(-1, 128) for p in (CAT, PERSON)]
    expected = by_scipy(*rows)
    assert evaluate.frechet_distance(*rows) == pytest.approx(expected, rel=1e-6)
    assert evaluate.frechet_vgg16(CAT, PERSON) == pytest.approx(expected, rel=1e-4)


def test_diagonal_covariances_by_hand():
    square = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3 / 4)  # unit covariance
    a, b = square * [2, 3], square * [5, 1] + [1, 2]
    assert evaluate.frechet_distance(a, b) == pytest.approx(1 + 4 + (2 - 5) ** 2 + (3 - 1) ** 2)


def test_singular_covariances():
    few = features(0, 5, 40)
    rng = np.random.default_rng(1)
    line = np.outer(rng.normal(size=9), np.ones(3)) * 4
    assert evaluate.frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
    # One direction each, at a right angle: the square root's trace is zero.
    across = line * [1, -1, 0]
    expected = (
        line.var(0, ddof=1).sum()
        + across.var(0, ddof=1).sum()
        + np.sum((line.mean(0) - across.mean(0)) ** 2)
    )
    assert evaluate.frechet_distance(line, across) == pytest.approx(expected, rel=1e-12)
    constant = np.ones((4, 3))
    assert evaluate.frechet_distance(constant, constant + 2) == 12


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_laws(scale):
    a, b = features(0) * scale, features(1) * scale
    distance = evaluate.frechet_distance(a, b)
    assert distance == pytest.approx(evaluate.frechet_distance(b, a), rel=1e-12)
    assert 0 <= evaluate.frechet_distance(a, a[::-1]) <= 1e-12 * distance
    assert distance == pytest.approx(evaluate.frechet_distance(a / scale, b / scale) * scale**2, rel=1e-5)
    moved = evaluate.frechet_distance(a, a + scale)
    assert moved == pytest.approx(a.shape[1] * scale**2, rel=1e-4)


def test_many_rows_are_summed_in_blocks(monkeypatch):
    a, b = features(0), features(1)
    whole = evaluate.frechet_distance(a, b)
    monkeypatch.setattr(frechet, "_BLOCK_ROWS", 7)
    assert evaluate.frechet_distance(a, b) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(
    "a, b, hint",
    [
        (np.ones((5, 3)), np.ones((5, 4)), "equal C"),
        (np.ones((1, 3)), np.ones((5, 3)), "at least two samples"),
        (np.ones(3), np.ones(3), r"\(3,\) and \(3,\)"),
        (np.full((5, 3), np.nan), np.ones((5, 3)), "not finite"),
        (np.ones((5, 3)), np.full((5, 3), np.inf), "not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_refuses_features(a, b, hint):
    with pytest.raises(UserError, match=hint):
        evaluate.frechet_distance(a, b)


def test_over_vgg16():
    single = evaluate.frechet_vgg16(CAT, PERSON)
    assert isinstance(single, float) and single > 1
    assert evaluate.frechet_vgg16(CAT, CAT) == pytest.approx(0, abs=1e-9 * single)
    batch = evaluate.frechet_vgg16(np.stack([CAT, PERSON]), np.stack([PERSON, PERSON]))
    assert batch.shape == (2,) and batch[0] == single
    as_float = [x.astype(np.float32) / 127.5 - 1 for x in (PERSON, CAT)]
    assert evaluate.frechet_vgg16(*as_float) == pytest.approx(single, rel=1e-9)
    with pytest.raises(UserError, match="3x3 px give one position"):
        evaluate.frechet_vgg16(CAT[:3, :3], PERSON[:3, :3])


@pytest.mark.slow
@pytest.mark.parametrize("channels", [64, 192])
def test_sifid(inception_file, channels):
    options = {"channels": channels, "file": inception_file}
    single = evaluate.sifid(CAT, PERSON, **options)
    assert isinstance(single, float) and single > 1e-3
    assert single == evaluate.sifid(CAT, PERSON, **options, weights="fid")  # a named file is the file
    assert evaluate.sifid(PERSON, CAT, **options) == pytest.approx(single, rel=1e-6)
    assert evaluate.sifid(CAT, CAT, **options) == pytest.approx(0, abs=1e-9 * single)
    batch = evaluate.sifid(np.stack([PERSON, CAT]), np.stack([PERSON, PERSON]), **options)
    assert batch[1] == single


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")  # dead channels
def test_sifid_is_the_distance_of_inceptions_features(inception_file):
    params = pretrained.load_inception("imagenet", inception_file)
    tap = jax.jit(lambda params, x: inception_features(params, x, 64))
    rows = [np.asarray(tap(params, inputs.signed(p[None]))).reshape(-1, 64) for p in (CAT, PERSON)]
    assert evaluate.sifid(CAT, PERSON, file=inception_file) == pytest.approx(by_scipy(*rows), rel=1e-4)


def test_sifid_refuses(inception_file):
    with pytest.raises(UserError, match="channels=768; the taps are 64 and 192"):
        evaluate.sifid(CAT, PERSON, channels=768)
    with pytest.raises(UserError, match="weights 'mine'; known are imagenet, fid"):
        evaluate.sifid(CAT, PERSON, weights="mine")
    with pytest.raises(UserError, match="one position"):
        evaluate.sifid(CAT[:7, :7], PERSON[:7, :7], file=inception_file)
    with pytest.raises(UserError, match="nowhere.pth: cannot be read"):
        evaluate.sifid(CAT, PERSON, file=inception_file.with_name("nowhere.pth"))
