"""The loop over many trainings: order, failures, stops, and whose a folder is."""

import json

import pytest

from deepsim_jax.config.flat import differences
from deepsim_jax.errors import UserError
from deepsim_jax.sweeps import runner


def cells(events, *, failing=(), stopping=()):
    def cell(name):
        def make():
            events.append(f"make {name}")
            if name in failing:
                raise UserError(f"no\n {name}")
            return name not in stopping

        return runner.Cell(name, make, lambda error: events.append(f"failed {name}"))

    return [cell(name) for name in "abc"]


def test_all_are_made_and_a_failure_is_kept_and_passed_over(caplog):
    events = []
    made = runner.make_all(
        cells(events, failing="b"), noun="photo", sweep="album", after_each=lambda: events.append("write")
    )
    assert made
    assert events == ["make a", "write", "make b", "failed b", "write", "make c", "write"]
    assert "b: failed: no b" in caplog.text


def test_a_stop_ends_the_sweep_after_its_record_is_written(caplog):
    events = []
    made = runner.make_all(
        cells(events, stopping="b"),
        noun="photo",
        sweep="album",
        after_each=lambda: events.append("write"),
    )
    assert not made and events == ["make a", "write", "make b", "write"]
    assert "the same command continues the album" in caplog.text


def test_what_is_not_forgiven_ends_the_sweep_as_an_error():
    with pytest.raises(UserError):
        runner.make_all(
            cells([], failing="a"), noun="cell", sweep="table", after_each=list, forgiven=KeyError
        )


def test_a_folder_is_one_sweeps(tmp_path):
    path = tmp_path / "two" / "settings.json"
    runner.claim(path, {"steps": 3, "size": (2, 1)}, differences, sweep="sweep of photos")
    runner.claim(path, {"steps": 3, "size": (2, 1)}, differences, sweep="sweep of photos")
    assert json.loads(path.read_text()) == {"steps": 3, "size": [2, 1]}
    with pytest.raises(
        UserError, match="two: holds a sweep of photos with other settings .steps: 3 -> 4.; choose"
    ):
        runner.claim(path, {"steps": 4, "size": (2, 1)}, differences, sweep="sweep of photos")
    path.write_text("{")
    with pytest.raises(
        UserError, match="settings.json: damaged .*; delete it and start the sweep of photos again"
    ):
        runner.claim(path, {"steps": 3}, differences, sweep="sweep of photos")
