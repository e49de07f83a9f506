import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepsim_jax.errors import UserError
from deepsim_jax.training import checkpoint


def trees(value):
    return {
        "generator": {"a": {"kernel": jnp.full((300, 7), value, jnp.float32)}},
        "training": {"step": jnp.int32(value), "moments": jnp.linspace(0, value, 999)},
    }


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def corrupt(folder, change):
    largest = max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    largest.write_bytes(change(bytearray(largest.read_bytes())))


def flip_byte(content):
    content[len(content) // 2] ^= 0xFF
    return content


def test_a_saved_state_comes_back_bit_for_bit_and_the_oldest_goes(tmp_path):
    saver = checkpoint.Checkpoints(tmp_path / "checkpoints", keep=2)
    assert saver.latest() is None
    for step in (0, 3, 8):
        saver.save(step, trees(step))
    assert saver.steps() == [3, 8]
    abstract = jax.eval_shape(lambda: trees(0))
    assert equal(saver.restore(8, abstract), trees(8)) and equal(saver.restore(3, abstract), trees(3))
    reader = checkpoint.Checkpoints(tmp_path / "checkpoints", read_only=True)
    only = reader.restore(8, {"generator": abstract["generator"]})
    assert list(only) == ["generator"] and equal(only["generator"], trees(8)["generator"])


@pytest.mark.parametrize("change", [flip_byte, lambda content: content[: len(content) // 2]])
def test_a_damaged_checkpoint_is_noticed_and_the_earlier_one_named(tmp_path, change):
    saver = checkpoint.Checkpoints(tmp_path, keep=2)
    for step in (2, 4):
        saver.save(step, trees(step))
    corrupt(tmp_path / "4" / "generator", change)
    abstract = jax.eval_shape(lambda: trees(0))
    with pytest.raises(UserError, match=r"4: the checkpoint cannot be read .*from step 2") as found:
        checkpoint.Checkpoints(tmp_path, read_only=True).restore(4, abstract)
    assert "\n" not in str(found.value)
    corrupt(tmp_path / "2" / "training", change)
    with pytest.raises(UserError, match="the only one"):
        saver.restore(2, abstract)


def test_other_shapes_are_refused(tmp_path):
    saver = checkpoint.Checkpoints(tmp_path)
    saver.save(1, trees(1))
    with pytest.raises(UserError, match="cannot be read"):
        saver.restore(1, {"generator": {"a": {"kernel": jax.ShapeDtypeStruct((5, 7), jnp.float32)}}})


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    saver = checkpoint.Checkpoints(tmp_path, keep=1)
    saver.save(5, trees(5))
    before = sorted(tmp_path.rglob("*"))
    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(UserError, match="MiB free.*goes on from step 5"):
        saver.save(6, trees(6))
    assert saver.steps() == [5] and sorted(tmp_path.rglob("*")) == before


def test_a_failing_write_leaves_the_earlier_checkpoint(tmp_path, monkeypatch):
    saver = checkpoint.Checkpoints(tmp_path, keep=1)
    saver.save(5, trees(5))

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saver._manager, "save", fail)
    with pytest.raises(UserError, match="No space left.*step 5"):
        saver.save(6, trees(6))
    assert checkpoint.Checkpoints(tmp_path, read_only=True).steps() == [5]


def test_a_write_in_the_background_is_waited_for(tmp_path, monkeypatch):
    saver, begun, go_on = checkpoint.Checkpoints(tmp_path, keep=2), threading.Event(), threading.Event()
    write = saver._manager.save

    def slow(*args, **kwargs):
        begun.set()
        assert go_on.wait(300)
        return write(*args, **kwargs)

    monkeypatch.setattr(saver._manager, "save", slow)
    saver.save(2, trees(2), background=True)
    assert begun.wait(300) and saver.steps() == []
    go_on.set()
    saver.save(4, trees(4), background=True)
    assert 2 in saver.steps()
    saver.close()
    reader = checkpoint.Checkpoints(tmp_path, read_only=True)
    assert reader.steps() == [2, 4]
    abstract = jax.eval_shape(lambda: trees(0))
    assert equal(reader.restore(2, abstract), trees(2)) and equal(reader.restore(4, abstract), trees(4))


def test_a_failing_write_in_the_background_is_told(tmp_path, monkeypatch, caplog):
    saver = checkpoint.Checkpoints(tmp_path)
    saver.save(5, trees(5))

    def fail(*args, **kwargs):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(saver._manager, "save", fail)
        saver.save(6, trees(6), background=True)
        with pytest.raises(UserError, match="step 6 could not be written .*goes on from step 5"):
            saver.save(7, trees(7), background=True)
        saver.save(8, trees(8), background=True)
        assert saver._writing.exception(60)
        patch.undo()
        saver.save(9, trees(9))
    assert "step 8 could not be written" in caplog.text
    monkeypatch.setattr(saver._manager, "save", lambda *args, **kwargs: 1 / 0)
    saver.save(10, trees(10), background=True)
    saver.close()
    assert "division" in caplog.text
    assert checkpoint.Checkpoints(tmp_path, read_only=True).steps() == [5, 9]


def test_leftovers_of_a_killed_save_are_no_checkpoint_and_are_cleared(tmp_path):
    saver = checkpoint.Checkpoints(tmp_path)
    saver.save(5, trees(5))
    saver.close()
    torn = tmp_path / "6.orbax-checkpoint-tmp"
    torn.mkdir()
    (torn / "half").write_bytes(b"half")
    assert checkpoint.Checkpoints(tmp_path, read_only=True).steps() == [5] and torn.exists()
    assert checkpoint.Checkpoints(tmp_path).steps() == [5] and not torn.exists()
