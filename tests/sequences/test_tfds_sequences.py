import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.sequences import frames, tfds_sequences

needs_tfds = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_datasets") is None, reason="the extra tfds is not installed"
)


def noise(seed, size):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two sequences of other lengths, sizes and parts."""
    long, short = tmp_path / "in" / "walk9", tmp_path / "in" / "walk10"
    for i in range(11):
        images.write_png(long / f"{i}.png", noise(i, (16, 24)))
        images.write_png(long / "segmentation" / f"{i}.png", noise(50 + i, (16, 24)))
        lines = np.full((16, 24), 255, np.uint8)
        lines[i] = 0
        images.write_png(long / "edges" / f"{i}.png", lines)
    for i in range(2):
        images.write_png(short / f"{i}.png", noise(i, (20, 18)))
    return tmp_path / "in"


@needs_tfds
def test_a_prepared_set_equals_what_it_was_made_of(folder, tmp_path):
    made = frames.open_sequences(folder, train=1)
    prepared = tfds_sequences.prepare(frames.open_sequences(folder, train=1), tmp_path / "set")
    read = frames.open_sequences(f"tfds:{tmp_path / 'set'}")
    assert prepared == made == read and [s.name for s in read] == ["walk9", "walk10"]
    for old, new in zip(made, read, strict=True):
        for i in range(len(old)):
            assert (new.image(i) == old.image(i)).all()
            for part in old.parts:
                assert new.part(part, i).dtype == old.part(part, i).dtype
                assert (new.part(part, i) == old.part(part, i)).all()


@needs_tfds
def test_a_prepared_set_can_be_limited(folder, tmp_path):
    tfds_sequences.prepare(frames.open_sequences(folder / "walk9", train=3, limit=9), tmp_path / "set")
    spec = f"tfds:{tmp_path / 'set'}"
    (sequence,) = frames.open_sequences(spec, limit=5)
    assert sequence.frames == tuple("01234") and sequence.train == 3
    assert (sequence.image(4) == noise(4, (16, 24))).all()
    assert (sequence.part("segmentation", 4) == noise(54, (16, 24))).all()
    assert frames.open_sequences(spec, train=2)[0].train == 2
    with pytest.raises(UserError, match="sequence walk9: training frame 3, but its 2 frames"):
        frames.open_sequences(spec, limit=2)


@needs_tfds
def test_sets_that_cannot_be_used(folder, tmp_path):
    with pytest.raises(UserError, match="no set of sequences there; make one"):
        frames.open_sequences(f"tfds:{folder}")
    place = tmp_path / "set"
    tfds_sequences.prepare(frames.open_sequences(folder), place)
    with pytest.raises(UserError, match="holds a set of sequences already"):
        tfds_sequences.prepare(frames.open_sequences(folder), place)
    (records,) = place.glob("picture_sequences/*/*array_record*")
    whole = records.read_bytes()
    (metadata,) = place.glob("picture_sequences/*/metadata.json")
    for path, content in ((records, whole[:50]), (records, whole[: len(whole) // 2]), (metadata, b"{")):
        path.write_bytes(content)
        with pytest.raises(UserError, match="the set is damaged .*; prepare it again") as caught:
            frames.open_sequences(f"tfds:{place}")[1].image(1)
        assert "\n" not in str(caught.value)


@needs_tfds
def test_a_set_that_cannot_be_prepared_leaves_none(folder, tmp_path):
    images.write_png(folder / "walk10" / "1.png", noise(0, (16, 16)))
    with pytest.raises(UserError, match="1.png: 16x16 px, but the first frame"):
        tfds_sequences.prepare(frames.open_sequences(folder), tmp_path / "set")
    images.write_png(folder / "walk10" / "1.png", noise(0, (20, 18)))
    assert len(tfds_sequences.prepare(frames.open_sequences(folder), tmp_path / "set")) == 2


@needs_tfds
def test_tensorflow_is_never_imported(folder, tmp_path):
    program = f"""
import sys
from deepsim_jax.sequences import frames, tfds_sequences
assert "tensorflow_datasets" not in sys.modules
tfds_sequences.prepare(frames.open_sequences({str(folder)!r}), {str(tmp_path / "set")!r})
sequences = frames.open_sequences("tfds:" + {str(tmp_path / "set")!r})
assert all(s.image(i).any() for s in sequences for i in range(len(s)))
assert sequences[0].part("edges", 2)[2].all()
assert "tensorflow_datasets" in sys.modules
assert "tensorflow" not in sys.modules, "imported"
print("read", sum(map(len, sequences)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "read 13"


def test_without_the_extra_it_says_what_to_install(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    monkeypatch.delitem(sys.modules, "deepsim_jax.sequences.tfds_builder", raising=False)
    monkeypatch.delattr(sys.modules["deepsim_jax.sequences"], "tfds_builder", raising=False)
    for use in (
        lambda: tfds_sequences.prepare(frames.open_sequences(folder), tmp_path / "set"),
        lambda: frames.open_sequences(f"tfds:{folder}"),
    ):
        with pytest.raises(UserError, match=r"pip install 'deepsim_jax\[tfds\]'"):
            use()
