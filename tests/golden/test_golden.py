"""The command line does what it did, and goes on with what it left (`tour`, `transcript.json`, `facts`).

A difference that is meant is recorded anew with `record.py --transcript`.
"""

import json
import re
import tarfile
from pathlib import Path

import facts
import inputs
import make_old_runs as old_runs
import numpy as np
import pytest
import tour
from console import Console

import deepsim_jax

TRANSCRIPT = Path(__file__).parent / "transcript.json"

# Of an array's norm; other processors' rounding was measured as 2e-4 (docs/decisions/same-numbers.md).
ROUNDING = 1e-3

# A norm takes the biases before it away again, so that their gradients are nothing but rounding, of which
# Adam makes steps of the learning rate's size: in two runs of 8 steps they part by twice that at most.
MEANINGLESS = re.compile(r"stack/conv_[0-3]/bias$")
WANDER = 2 * 8 * 5e-4


@pytest.fixture(scope="module")
def transcript():
    return json.loads(TRANSCRIPT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """name of a leg -> (its folder, facts, bits); walked once."""
    known = {}
    with Console(Path(deepsim_jax.__file__).parents[1]) as console:

        def walk(leg):
            if leg not in known:
                folder = tmp_path_factory.mktemp(leg)
                known[leg] = folder, *tour.walk(tour.LEGS[leg], folder, console)
            return known[leg]

        yield walk


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The folders as they were left, beside those that the leg goes on with."""
    folder = tmp_path_factory.mktemp("as-left")
    with tarfile.open(old_runs.ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


# Each shipped config is trained for by the leg that is left out, in networks too large for a test.
TESTED = [leg for leg in tour.LEGS if leg != "configs"]


@pytest.mark.parametrize(
    "leg", [pytest.param(leg, marks=[pytest.mark.slow] * (leg not in tour.BRIEF)) for leg in TESTED]
)
def test_the_command_line_does_what_it_did(walked, transcript, leg):
    _, found, _ = walked(leg)
    differing = facts.differences(transcript[leg], json.loads(json.dumps(found)))
    assert not differing, "\n".join(["", *differing])


@pytest.mark.parametrize("name", ["edit", "kept", "stopped", "sample"])
def test_old_networks_make_the_same_pictures(walked, old, name):
    here, *_ = walked("old")
    stored, made = (
        inputs.read(path).astype(int) for path in (old / f"made/{name}.png", here / f"{name}.png")
    )
    assert stored.shape == made.shape
    difference = np.abs(stored - made)
    assert difference.max() <= 2 and difference.mean() < 0.1


def test_what_is_kept_is_the_photo(walked, old):
    here, *_ = walked("old")
    kept, photo = inputs.read(here / "kept.png"), inputs.read(old / "photo.png")
    same = (kept == photo).all(-1)
    assert same[24:].all() and not same.all()


@pytest.mark.slow
@pytest.mark.parametrize("run, end", [("stopped", 8), ("singan", 8)])
def test_old_runs_go_on_bit_for_bit(walked, old, run, end):
    here, *_ = walked("old-continued")
    first, second = here / "runs" / run, here / "runs" / f"{run}-twin"
    assert sorted(path.name for path in (first / "checkpoints").iterdir()) == ["7", "8"]
    ours, theirs = (arrays(place, end) for place in (first, second))
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    rows = [(place / "metrics.jsonl").read_text() for place in (first, second)]
    assert rows[0] == rows[1] and rows[0].startswith((old / "runs" / run / "metrics.jsonl").read_text())
    assert [json.loads(row)["step"] for row in rows[0].splitlines()] == list(range(1, end + 1))


@pytest.mark.slow
@pytest.mark.parametrize("run, saved, end", [("stopped", 6, 8), ("singan", 6, 8)])
def test_old_states_are_those_that_are_reached_today(walked, old, run, saved, end):
    here, *_ = walked("old-continued")
    whole = here / "runs" / f"{run}-whole"
    assert not apart(arrays(old / "runs" / run, saved), arrays(whole, saved))
    assert not apart(arrays(here / "runs" / run, end), arrays(whole, end))
    ours, theirs = (metrics(place) for place in (here / "runs" / run, whole))
    assert not facts.differences(ours, theirs)


@pytest.mark.slow
def test_an_old_run_is_extended(walked, old):
    here, *_ = walked("old-continued")
    before, after = (place / "runs/finished" for place in (old, here))
    steps = [
        json.loads((run / "config.json").read_text())["config"]["train.steps"] for run in (before, after)
    ]
    assert steps == [2, 4] and (after / "checkpoints/4").is_dir()
    assert (after / "metrics.jsonl").read_text().startswith((before / "metrics.jsonl").read_text())
    assert [row["step"] for row in metrics(after)] == [1, 2, 3, 4]


@pytest.mark.slow
def test_an_old_table_goes_on_with_what_is_left(walked, old):
    here, *_ = walked("old-continued")
    done, left = (Path("tables/baseline/box") / row / "1" for row in ("ours", "baseline"))
    # Measured anew, for figures that were not measured then, but not trained anew.
    trained, before_it = (
        {
            path: content
            for path, content in contents(place / done).items()
            if path.parts[0] != "evaluation"
        }
        for place in (here, old)
    )
    assert trained == before_it
    before, after = (
        json.loads((place / "tables/baseline/table.json").read_text()) for place in (old, here)
    )
    assert before["pending"] == ["box/baseline/1"] and after["pending"] == []
    assert [row["key"] for row in after["rows"]] == ["ours", "baseline", "copied", "unchanged"]
    for new, old_row in ((after["rows"][0], before["rows"][0]), (after["rows"][3], before["rows"][1])):
        # Figures that were not measured then are beside those that were.
        measured = {key: new["mean"][key] for key in before["columns"]}
        assert measured == pytest.approx(old_row["mean"], rel=ROUNDING)
    assert metrics(here / left)[:3] == metrics(old / left)


@pytest.mark.slow
def test_an_old_album_goes_on_with_what_is_left(walked, old):
    here, *_ = walked("old-continued")
    assert contents(here / "albums/two/first.png") == contents(old / "albums/two/first.png")
    album = json.loads((here / "albums/two/album.json").read_text())["photos"]
    assert {name: row["state"] for name, row in album.items()} == {
        "first.png": "already trained",
        "second.png": "trained",
    }
    assert metrics(here / "albums/two/second.png")[:3] == metrics(old / "albums/two/second.png")


def test_states_apart_are_found(old):
    stored = arrays(old / "runs/singan", 6)
    assert not apart(stored, stored)
    for name, factor, found in (
        ("generator/stack/conv_0/kernel", 1 + 1e-4, False),
        ("generator/stack/conv_0/kernel", 1 + 1e-2, True),
        ("training/generator_opt/nu/stack/conv_4/kernel", 1 + 1e-2, True),
        ("generator/stack/conv_0/bias", 1 + 1e-2, False),
        ("generator/stack/conv_0/bias", -1, True),
        ("generator/stack/conv_4/bias", 1 + 1e-2, True),
        ("training/step", 2, True),
    ):
        lines = apart(stored, stored | {name: (stored[name] * factor).astype(stored[name].dtype)})
        assert [line.split(":")[0] for line in lines] == [name] * found


def test_differences_are_found():
    known = {"exit": 0, "out": ["a", "b"], "f": {"size": "2x2", "look": "102030 ff0000"}, "d": 1.0}
    for changed, message in (
        ({"exit": 2}, "exit: 0 -> 2"),
        ({"out": ["a"]}, 'out: - "b"'),
        ({"out": ["b", "a"]}, "out: in another order"),
        ({"f": {"size": "2x2", "look": "102030 ff0100"}}, ""),
        ({"f": {"size": "2x2", "look": "102030 ff0900"}}, "f / look: 9 grey levels apart"),
        ({"f": {"size": "2x3", "look": "102030 ff0000"}}, "f / size: '2x2' -> '2x3'"),
        ({"d": 1.01}, ""),
        ({"d": 1.2}, "d: 1.0 -> 1.2"),
        ({"d": 1}, "d: 1.0 -> 1"),
        ({"g": 1}, "new: g"),
    ):
        found = facts.differences(known, known | changed)
        assert (message in " ".join(found)) if message else not found, found
    assert facts.differences(known, {}) == [f": no longer there: {key}" for key in known]


def arrays(run, step):
    return facts.checkpoint_arrays(run / "checkpoints" / str(step))


def apart(stored, reached):
    """Where two states differ by more than other processors or numbers of threads round."""
    assert stored.keys() == reached.keys()
    found = []
    for name, before in stored.items():
        now = reached[name]
        assert (before.dtype, before.shape) == (now.dtype, now.shape), name
        difference = np.linalg.norm(now.astype(np.float64) - before)
        if before.dtype.kind != "f":
            limit = 0
        elif MEANINGLESS.search(name):
            limit = WANDER * np.sqrt(before.size)
        else:
            limit = ROUNDING * np.linalg.norm(before)
        if not difference <= limit:
            found.append(f"{name}: {difference:.2g} apart, {limit:.2g} allowed")
    return found


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
