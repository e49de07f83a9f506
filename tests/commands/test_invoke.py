"""What a command line names beside a run is used, or said to be left aside."""

import dataclasses

import pytest

from deepsim_jax.commands import invoke, parse


def said(caplog, *words):
    """The warnings of a call whose verb does nothing."""
    offer, call = parse.read_call(parse.read_request(["deepsim_jax", *words]))
    idle = dataclasses.replace(offer.verb, run="builtins:bool")
    caplog.clear()
    invoke.invoke(dataclasses.replace(offer, verb=idle), call)
    return [record.getMessage() for record in caplog.records]


def test_a_config_that_a_verb_of_a_run_leaves_aside_is_told(trained, caplog):
    words = ["evaluate", f"--workdir={trained.workdir}"]
    assert said(caplog, *words) == []
    assert said(caplog, *words, "--config.train.log_every=2") == []  # what the run has itself
    (line,) = said(caplog, *words, "--config.train.steps=777", "--config.data.image=other.jpg")
    assert "the run's own photo and settings are used" in line
    assert "train.steps: " in line and "-> 777" in line and "other.jpg" in line


def test_a_verb_without_a_config_says_so(caplog):
    (line,) = said(caplog, "serve", "--config=quickstart")
    assert line == "serve takes no --config: it is left aside"


@pytest.mark.parametrize("verb", ["train", "edit"])
def test_a_config_that_is_taken_is_no_word_worth(caplog, verb, tmp_path):
    words = [verb, "--config=quickstart", f"--workdir={tmp_path}"]
    words += ["--input=a.png", "--output=b.png"] * (verb == "edit")
    assert said(caplog, *words) == []
