"""Whole tables: every row on every sequence, resumable."""

import json
import shutil

import least
import pytest

from deepsim_jax import api, settings
from deepsim_jax.errors import UserError
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.study import published, tables
from deepsim_jax.training import devices, loop


@pytest.fixture(scope="module")
def config():
    return least.config(data__max_side=64, train__steps=4, train__measure_every=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory, sequence_folder, config):
    """A table of two rows, two sequences and two seeds."""
    second = tmp_path_factory.mktemp("more") / "second"
    shutil.copytree(sequence_folder, second)
    specs = [str(sequence_folder), str(second)]
    workdir = tmp_path_factory.mktemp("tables") / "table"
    return workdir, specs, tables.run(workdir, specs, config, seeds=2)


@pytest.mark.slow
def test_a_table_has_every_row_its_spread_and_the_trivial_answer(made):
    workdir, _, found = made
    assert found == json.loads((workdir / "table.json").read_text())
    assert found["sequences"] == ["box", "second"] and not found["pending"]
    keys = [(row["sequence"], row["key"]) for row in found["rows"]]
    assert keys == [
        (s, k) for s in ("box", "second") for k in ("ours", "baseline", "copied", "unchanged")
    ]
    ours = found["rows"][0]
    assert (ours["seeds"], ours["frames"], ours["steps"], ours["primitive"]) == (2, 3, 4, "seg")
    cells = [protocol.read_results(workdir / "box" / "ours" / seed / "evaluation") for seed in "01"]
    values = [cell["rows"][0]["mean"]["lpips_alex"] for cell in cells]
    assert ours["mean"]["lpips_alex"] == pytest.approx(sum(values) / 2)
    assert ours["spread"]["lpips_alex"] == [min(values), max(values)]
    assert values[0] != values[1]
    average = found["averages"][0]
    assert average["mean"]["ssim"] == pytest.approx(
        sum(r["mean"]["ssim"] for r in found["rows"] if r["key"] == "ours") / 2
    )
    of_seeds = [
        sum(row["by_seed"][seed]["ssim"] for row in found["rows"] if row["key"] == "ours") / 2
        for seed in "01"
    ]
    assert average["spread"]["ssim"] == pytest.approx(sorted(of_seeds)) and average["seeds"] == 2
    assert found["published"]["rows"]["baseline"] == {"lpips": 0.342, "sifid": 0.292}
    assert "train.steps: 16000 -> 4" in found["config"] and "drawn independently" in found["note"]
    assert found["draws"] == {
        "ours": "TPS 0.5",
        "single-image pix2pixHD: crop and flip": "flip 0.5, crop 0.5",
    }
    assert found["machine"]["jax"] and " to " in found["machine"]["date"]
    assert len(found["curves"]) == 8 and len(found["findings"]) == 2
    assert [p["step"] for p in found["curves"][0]["points"]] == [2, 4]
    assert (workdir / "report.html").read_text().count("<table") >= 3
    for strip in found["strips"]:
        assert all((workdir / path).is_file() for _, path in strip["pictures"])


def test_without_training_a_table_has_what_needs_none(sequence_folder, config, tmp_path):
    untrained = config.copy_and_resolve_references()
    untrained.train.steps = untrained.train.measure_every = 0
    found = tables.run(tmp_path / "table", [str(sequence_folder)], untrained)
    assert [row["key"] for row in found["rows"]] == ["copied", "unchanged"] and not found["pending"]
    assert found["rows"][0]["mean"]["lpips_alex"] < found["rows"][1]["mean"]["lpips_alex"]
    assert (tmp_path / "table" / "report.html").is_file()


@pytest.mark.slow
def test_the_rows_train_what_they_say_and_share_everything_else(made, config):
    workdir, *_ = made
    stored = [
        settings.flatten(api.read_config(workdir / "box" / key / "1")) for key in ("ours", "baseline")
    ]
    assert [c["augment.tps"] for c in stored] == [config.augment.tps, 0]
    differing = {k for k in stored[0] if stored[0][k] != stored[1][k]}
    assert all(key.startswith("augment.") for key in differing)
    assert stored[0]["seed"] == 1


@pytest.mark.slow
def test_a_finished_table_is_only_read(made, config, monkeypatch):
    workdir, specs, found = made
    monkeypatch.setattr(api, "train_source", None)
    again = tables.run(workdir, specs, config, seeds=2)
    assert {k: v for k, v in again.items() if k != "machine"} == {
        k: v for k, v in found.items() if k != "machine"
    }


@pytest.mark.slow
def test_a_stopped_table_goes_on_where_it_was(tmp_path, sequence_folder, config, monkeypatch):
    calls = []
    train = loop.train

    def interrupted(run, **options):
        calls.append(run.workdir)
        end = train(run, **options)
        if len(calls) == 2:
            raise KeyboardInterrupt  # trained, but not yet evaluated
        return end

    monkeypatch.setattr(loop, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tables.run(tmp_path, [str(sequence_folder)], config)
    partial = json.loads((tmp_path / "table.json").read_text())
    assert partial["pending"] == ["box/baseline/0"]
    assert [row["key"] for row in partial["rows"]] == ["ours", "copied", "unchanged"]
    found = tables.run(tmp_path, [str(sequence_folder)], config)
    assert [call.parent.name for call in calls] == ["ours", "baseline", "baseline"]
    assert not found["pending"]


def test_cells_of_several_machines_are_all_named():
    done = {
        folder: {"machine": {"date": date, "cores": cores, "devices": devices}}
        for folder, date, cores, devices in (
            ("a", "2026-01-02", 2, ["cpu 0"]),
            ("b", "2026-01-01", 16, ["gpu 0", "gpu 1"]),
        )
    }
    assert tables._machine(done) == {
        "date": "2026-01-01 to 2026-01-02",
        "cores": "16; 2",
        "devices": "cpu 0; gpu 0, gpu 1",
    }


@pytest.mark.slow
def test_a_cell_that_diverges_is_told_and_the_others_are_made(
    tmp_path, sequence_folder, config, monkeypatch
):
    train = loop.train

    def diverging(run, **options):
        if run.workdir.parent.name == "ours":
            raise loop.Diverged("d not finite at step 3")
        return train(run, **options)

    monkeypatch.setattr(loop, "train", diverging)
    found = tables.run(tmp_path, [str(sequence_folder)], config)
    assert found["failed"] == {"box/ours/0": "d not finite at step 3"} and not found["pending"]
    assert [row["key"] for row in found["rows"]] == ["baseline", "copied", "unchanged"]
    assert "d not finite" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_frames_that_have_changed_are_measured_again_without_training(
    tmp_path, config, sequence_folder, monkeypatch
):
    folder = tmp_path / "box"
    shutil.copytree(sequence_folder, folder)
    first = tables.run(tmp_path / "table", [str(folder)], config)
    for kind in ("B", "seg"):
        shutil.copy(folder / f"test_{kind}" / "1.png", folder / f"test_{kind}" / "9.png")
    monkeypatch.setattr(devices.Compiled, "__call__", lambda *_: pytest.fail("a step was trained"))
    second = tables.run(tmp_path / "table", [str(folder)], config)
    assert [row["frames"] for row in (first["rows"][0], second["rows"][0])] == [3, 4]
    shutil.copy(folder / "test_B" / "1.png", folder / "train_B" / "0.png")
    with pytest.raises(UserError, match="trained with other settings .another photo or primitive"):
        tables.run(tmp_path / "table", [str(folder)], config)


@pytest.mark.slow
def test_a_folder_of_another_table_is_refused(made, config):
    workdir, specs, _ = made
    with pytest.raises(UserError, match="other rows"):
        tables.run(workdir, specs, config, rows="primitives")
    other = config.copy_and_resolve_references().unlock()
    other.optim.g_rate = 5e-3
    with pytest.raises(UserError, match="holds a table with other settings .optim.g_rate: .* -> 0.005"):
        tables.run(workdir, specs, other)


def test_what_cannot_be_a_table_is_told_before_anything_is_trained(tmp_path, sequence_folder, config):
    for options, message in (
        ({"rows": "none"}, "rows='none': choose one of baseline, augmentations"),
        ({"seeds": 0}, "seeds=0: at least 1"),
    ):
        with pytest.raises(UserError, match=message):
            tables.run(tmp_path / "new", [str(sequence_folder)], config, **options)
    with pytest.raises(UserError, match="a second sequence called box"):
        tables.run(tmp_path / "new", [str(sequence_folder)] * 2, config)
    seg = config.copy_and_resolve_references().unlock()
    seg.data.kind = "seg"
    with pytest.raises(UserError, match="the row 'TPS .99 . Canny sigma' redraws edges"):
        tables.run(tmp_path / "new", [str(sequence_folder)], seg, rows="augmentations")
    with pytest.raises(UserError, match="mine.pth: cannot be read"):
        tables.run(tmp_path / "new", [str(sequence_folder)], config, inception=tmp_path / "mine.pth")
    bare = tmp_path / "bare"
    shutil.copytree(sequence_folder / "test_B", bare)
    with pytest.raises(UserError, match="bare: data.kind=seg .* no segmentations"):
        tables.run(tmp_path / "new", [str(bare)], config, rows="primitives")
    assert not (tmp_path / "new").exists()
    assert published.PRIMITIVES.rows[1].key == "seg"
