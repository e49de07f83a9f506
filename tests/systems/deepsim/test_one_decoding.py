"""A photo meets one decoder, once, on its way to the pair."""

import pytest

from deepsim_jax import api, settings
from deepsim_jax.images import io as images


@pytest.mark.parametrize("kind", ["edges", "seg", "seg_edges"])
@pytest.mark.parametrize("config", ["quickstart", "singan_quickstart"])
def test_a_photo_is_decoded_once(tmp_path, scene, monkeypatch, config, kind):
    path = tmp_path / "photo.png"
    images.write_png(path, scene)
    decoded = []
    decode = images.decode
    monkeypatch.setattr(images, "decode", lambda path, label: decoded.append(path) or decode(path, label))
    changed = settings.flatten(settings.load(config)) | {"data.image": str(path)}
    if "data.kind" in changed:
        changed["data.kind"] = kind
    source = api.read_source(settings.unflatten(changed))
    assert decoded == [path]
    assert (source.photo == scene).all()
