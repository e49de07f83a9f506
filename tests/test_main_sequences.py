"""The command line over sequences: evaluate, table, analyse, sweeps."""

import json
import shutil

import pytest

from deepsim_jax import api, settings
from deepsim_jax.images import io as images

CONFIG = "--config=quickstart:tiny"


KEYS = ("--config.train.measure_every=3", "--config.train.measure_frames=2")


@pytest.fixture(scope="module")
def made(tmp_path_factory, sequence_folder):
    """A run on a sequence; not to be changed."""
    config = settings.load("quickstart:tiny").unlock()
    config.data.sequence = str(sequence_folder)
    config.train.measure_every, config.train.measure_frames = 3, 2
    workdir = tmp_path_factory.mktemp("sequences") / "run"
    api.train_source(api.read_source(config), settings.validate(config), workdir)
    return workdir


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """A copy of that run, in the folder where the command is given."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.slow
def test_train_evaluate_and_analyse_a_sequence(call, run, sequence_folder):
    # The same command as the run's goes on with it, which has nothing left to do.
    code, *_ = call(CONFIG, "--workdir=run", f"--config.data.sequence={sequence_folder}", *KEYS)
    assert code == 0
    rows = [json.loads(line) for line in (run / "heldout.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6] and rows[0]["lpips_alex"] > 0
    code, out, _ = call("--mode=evaluate", "--workdir=run")
    assert code == 0 and "frame 0 unchanged" in out and "lpips_alex" in out
    folder = run / "evaluations" / "box"
    assert out.strip().endswith(str(folder / "report.html"))
    found = json.loads((folder / "evaluation.json").read_text())
    assert found["heldout"] == rows and len(found["rows"][0]["frames"]) == 3
    code, out, _ = call("--mode=analyse", "--workdir=run", "--frame=1")
    assert code == 0 and (run / "analysis" / "box-1" / "report.html").is_file()


@pytest.mark.slow
def test_a_table_from_the_command_line(call, sequence_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(
        "--mode=table",
        CONFIG,
        "--workdir=table",
        f"--input={sequence_folder}",
        "--rows=primitives",
        "--config.train.steps=2",
    )
    assert code == 0 and out.strip().endswith("report.html")
    found = json.loads((tmp_path / "table" / "table.json").read_text())
    assert [(row["key"], row["edges_from"]) for row in found["rows"]] == [
        ("edges", "true frames"),
        ("seg", ""),
        ("seg_edges", "true frames"),
        ("copied", "true frames"),
        ("unchanged", ""),
    ]


@pytest.mark.slow
def test_a_sweep_of_a_recipe_is_a_strip(call, run):
    copy = {"copy": {"polygon": [[8, 16], [40, 16], [40, 40]], "by": [20, 0]}}
    (run.parent / "move.json").write_text(json.dumps({"size": [80, 64], "steps": [copy]}))
    code, *_ = call(
        "--mode=edit", "--workdir=run", "--input=move.json", "--amounts=0,0.5,1", "--output=strip.png"
    )
    assert code == 0
    height, width = images.read_image(run / "pair" / "primitive.png").shape[:2]
    strip = images.read_image("strip.png")
    assert strip.shape[0] > 2 * height and 3 * width < strip.shape[1] < 3.2 * width
    assert len(list((run / "edits").glob("*move-x*.result.png"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--mode=evaluate", "--workdir=run", "--input=none"], "none"),
        (["--mode=evaluate", "--workdir=nothing"], "no run in this folder"),
        (["--mode=table", "--workdir=t", "--input=x"], "--config is needed"),
        (["--mode=table", CONFIG, "--workdir=t"], "--input is needed for --mode=table"),
        (["--mode=analyse", "--workdir=run", "--frame=77"], "no held-out frame '77'"),
        (
            ["--mode=edit", "--workdir=run", "--input=a.png", "--output=b.png", "--amounts=1"],
            "--amounts scales the movements of a recipe",
        ),
        (
            ["--mode=edit", "--workdir=run", "--input=a.json", "--output=b.png", "--amounts=1,much"],
            "--amounts=1,much: numbers are needed",
        ),
        (["--mode=prepare", "--input=x"], "--output is needed"),
    ],
)
def test_what_cannot_be_done_is_one_line(call, run, arguments, message):
    code, _, err = call(*arguments)
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and message in line and "Traceback" not in err


def test_measuring_needs_a_sequence(call, tmp_path, scene, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images.write_png("photo.png", scene)
    code, _, err = call(
        CONFIG, "--workdir=new", "--config.data.image=photo.png", "--config.train.measure_every=3"
    )
    assert code == 2 and "train.measure_every: the held-out frames of data.sequence" in err
    assert not (tmp_path / "new").exists()
    code, _, err = call(
        CONFIG, "--workdir=new", "--config.data.image=photo.png", "--config.data.sequence=."
    )
    assert code == 2 and "choose one" in err
