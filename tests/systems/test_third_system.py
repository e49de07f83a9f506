"""The proof of the seam: a further system is its own file and one line of the registry, nothing else."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import deepsim_jax
from deepsim_jax import api, registry, settings
from deepsim_jax.images import io as image_io


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setitem(registry._MODULES, "mean_colour", "mean_colour")
    yield
    sys.modules.pop("mean_colour", None)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "mean.py"
    path.write_text("from deepsim_jax import settings\ndef get_config(option=''):\n")
    with path.open("a") as file:
        file.write("    c = settings.default('mean_colour')\n    settings.apply_option(c, option)\n")
        file.write("    return c\n")
    return path


def test_its_command_help_report_and_resume_work(call, tmp_path, scene, config):
    image_io.write_png(tmp_path / "me.png", scene)
    words = [f"--config={config}:tiny", f"--workdir={tmp_path / 'run'}"]
    words += [f"--config.data.image={tmp_path / 'me.png'}"]
    code, out, err = call("train", *words)
    assert code == 0 and out.strip() == str(tmp_path / "run" / "report.html"), err
    assert "make a plain picture with the verb plain" in err
    page = (tmp_path / "run" / "report.html").read_text()
    assert "a mean colour, 6 steps" in page and "Plain" in page and "far (distance)" in page
    code, out, err = call("train", *words, "--config.train.steps=200", "--extend")
    assert code == 0 and "continuing from step 6" in err, err
    output = tmp_path / "plain.png"
    code, _, err = call("plain", f"--workdir={tmp_path / 'run'}", f"--output={output}", "--size=24x18")
    assert code == 0, err
    picture = image_io.read_image(output)
    assert picture.shape == (18, 24, 3)
    assert np.abs(picture[0, 0].astype(int) - scene.mean((0, 1))).max() < 3
    code, out, _ = call("plain", "--help")
    assert code == 0 and "--size=WIDTHxHEIGHT" in out and "--keep" not in out
    assert "runs of Mean colour: learns one colour" in call("--help")[1]
    code, _, err = call("plain", f"--workdir={tmp_path / 'run'}", f"--output={output}", "--keep=auto")
    assert code == 2 and "--keep is not for plain of Mean colour, which takes --output, --size" in err
    code, _, err = call("train", *words, "--config.train.stps=3")
    assert code == 2 and "did you mean 'train.steps'" in err
    code, _, err = call("edit", f"--workdir={tmp_path / 'run'}", "--input=a", "--output=b")
    assert code == 2 and "is a run of mean_colour, which has plain" in err


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path, scene):
    config, asked = settings.default("mean_colour"), []
    settings.apply_option(config, "tiny")
    config.train.save_every = 2

    def stop():
        asked.append(1)
        return len(asked) == 3

    stopped = deepsim_jax.train(scene, config=config, workdir=tmp_path / "stopped", stop=stop)
    assert 0 < stopped.step < 6 and not stopped.finished
    assert api.load(tmp_path / "stopped").step == stopped.step
    goes_on = deepsim_jax.train(scene, config=config, workdir=tmp_path / "stopped")
    whole = deepsim_jax.train(scene, config=config, workdir=tmp_path / "whole")
    assert goes_on.finished and (goes_on.colour != stopped.colour).any()
    np.testing.assert_array_equal(goes_on.colour, whole.colour)


def test_it_knows_nothing_of_other_systems():
    text = (Path(__file__).parent / "mean_colour.py").read_text()
    assert not re.search(rf"systems\.({'|'.join(set(registry.names()) - {'mean_colour'})})", text)


def test_a_program_trains_loads_and_opens_a_session(tmp_path, scene):
    config = settings.default("mean_colour")
    settings.apply_option(config, "tiny")
    model = deepsim_jax.train(scene, config=config, workdir=tmp_path / "run")
    again = api.load(tmp_path / "run")
    np.testing.assert_array_equal(model.colour, again.colour)
    session = registry.get("mean_colour").open_session(again)
    document = session.apply(session.begin(), {"tool": "brighten", "by": 5})
    brighter, plain = session.render(document).images[0], session.render(session.begin()).images[0]
    np.testing.assert_array_equal(brighter.astype(int) - plain, 5)
