"""Evaluation of a network on the frames that it was not trained on."""

import dataclasses
import json

import numpy as np
import pytest
from moving_box import SEG, moving_box

from deepsim_jax import evaluate
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate.columns import EDIT_COLUMNS
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim.evaluation import protocol
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut


def network(edit):
    """The methods of an evaluation that has a network alone."""
    return [protocol.Method("network", "trained network", edit)]


@pytest.mark.slow
def test_figures_of_every_frame_and_of_the_trivial_answer(tmp_path):
    sequence = moving_box()
    held_out = HeldOut(sequence, SEG, (48, 64))
    found = protocol.measure(
        network(lambda drawing: drawing // 2 + 70), held_out, tmp_path, about={"steps": 7}
    )
    assert found == protocol.read_results(tmp_path)
    assert (found["sequence"], found["train_frame"], found["steps"]) == ("box", "0", 7)
    made, unchanged = found["rows"]
    columns = [column for column in found["columns"] if column not in EDIT_COLUMNS]
    assert [row["frame"] for row in made["frames"]] == ["1", "2", "3", "4"]
    for index in (1, 4):
        edited = sequence.part("segmentation", index) // 2 + 70
        expected = evaluate.measure(edited, sequence.image(index), columns=columns)
        trivial = evaluate.measure(sequence.image(0), sequence.image(index), columns=columns)
        for column in columns:
            assert made["frames"][index - 1][column] == pytest.approx(expected[column], rel=1e-4)
            assert unchanged["frames"][index - 1][column] == pytest.approx(trivial[column], rel=1e-4)
    assert made["mean"]["psnr"] == pytest.approx(np.mean([f["psnr"] for f in made["frames"]]))
    for strip in found["strips"]:
        assert all((tmp_path / path).is_file() for _, path in strip["pictures"])
    assert "network" in protocol.summary(found) and "unchanged" in protocol.summary(found)
    assert set(found["absent"]) <= {"sifid_64", "sifid_192"}


@pytest.mark.slow
def test_an_interrupted_evaluation_goes_on_after_its_last_frame(tmp_path, monkeypatch):
    monkeypatch.setattr(protocol, "BATCH", 1)
    held_out = HeldOut(moving_box(), SEG, (48, 64))
    seen = []

    def edit(drawing):
        seen.append(drawing)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return drawing

    with pytest.raises(KeyboardInterrupt):
        protocol.measure(network(edit), held_out, tmp_path, about={"steps": 7})
    assert protocol.read_results(tmp_path) is None
    with open(tmp_path / "frames.jsonl", "a") as file:
        file.write('{"frame": "3", "netw')  # what a kill leaves of a line
    found = protocol.measure(network(edit), held_out, tmp_path, about={"steps": 7})
    assert len(seen) == 5 and found["seconds"]["frames"] == 2
    whole = protocol.measure(
        network(lambda drawing: drawing), held_out, tmp_path / "whole", about={"steps": 7}
    )
    assert found["rows"] == whole["rows"]
    lines = [json.loads(line) for line in (tmp_path / "frames.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines[1:]] == ["1", "2", "3", "4"]


@pytest.mark.slow
def test_figures_of_another_network_or_of_other_frames_are_not_kept(tmp_path):
    held_out = HeldOut(moving_box(), SEG, (48, 64))
    protocol.measure(network(lambda drawing: drawing), held_out, tmp_path, about={"network": "a"})
    found = protocol.measure(
        network(lambda drawing: 255 - drawing), held_out, tmp_path, about={"network": "b"}
    )
    other = protocol.measure(
        network(lambda drawing: 255 - drawing), held_out, tmp_path / "b", about={"network": "b"}
    )
    assert found["rows"] == other["rows"] and other["seconds"]["frames"] == 4
    read = held_out.sequence.reader
    changed = dataclasses.replace(
        held_out.sequence, reader=lambda kind, index: read(kind, index - (index == 3))
    )
    held_out = HeldOut(changed, SEG, (48, 64))
    again = protocol.measure(
        network(lambda drawing: 255 - drawing), held_out, tmp_path, about={"network": "b"}
    )
    assert again["seconds"]["frames"] == 1
    frames = [row["frames"] for row in (again["rows"][0], found["rows"][0])]
    assert [a == b for a, b in zip(*frames, strict=True)] == [True, True, False, True]


def test_a_frame_like_the_training_frame_has_no_psnr_and_the_json_is_json(tmp_path):
    still = dataclasses.replace(
        moving_box(), reader=lambda kind, index: moving_box().reader(kind, 0 if index == 1 else index)
    )
    held_out = HeldOut(still, SEG, (48, 64))
    found = protocol.measure(network(lambda drawing: drawing), held_out, tmp_path, about={})
    unchanged = found["rows"][1]
    values = [frame["psnr"] for frame in unchanged["frames"]]
    assert values[0] is None and unchanged["mean"]["psnr"] == pytest.approx(np.mean(values[1:]))
    assert "Infinity" not in (tmp_path / "evaluation.json").read_text()
    assert "unchanged" in protocol.summary(found)


@pytest.mark.slow
def test_what_needs_no_training_is_taken_from_an_earlier_result_of_the_same_frames(tmp_path):
    held_out = HeldOut(moving_box(), SEG, (48, 64))
    methods = [
        *network(lambda drawing: drawing),
        protocol.Method("copied", "copied", lambda drawing: drawing),
    ]
    first = protocol.measure(methods, held_out, tmp_path / "a", about={"steps": 7})
    assert [row["key"] for row in first["rows"]] == ["network", "copied", "unchanged"]
    for row in first["rows"]:
        row["frames"][0]["psnr"] = 99.0
    darker = [dataclasses.replace(methods[0], edit=lambda drawing: 255 - drawing), methods[1]]
    second = protocol.measure(darker, held_out, tmp_path / "b", about={"steps": 7}, known=first)
    for number in (1, 2):
        assert second["rows"][number]["frames"] == first["rows"][number]["frames"]
    assert second["rows"][0]["frames"][0]["psnr"] < 60
    other = protocol.measure(
        methods, held_out, tmp_path / "c", about={"steps": 7}, known={**first, "first": "another picture"}
    )
    assert other["rows"][2]["frames"][0]["psnr"] < 60


def test_an_ignored_edit_and_a_followed_one_are_told_apart(tmp_path):
    sequence = moving_box()
    held_out = HeldOut(sequence, SEG, (48, 64))
    found = protocol.measure(network(lambda drawing: drawing // 2 + 70), held_out, tmp_path, about={})
    followed, ignored = (row["mean"] for row in found["rows"])
    assert followed["following_recall"] > 0.9 > ignored["following_recall"]
    assert followed["changed_psnr"] > ignored["changed_psnr"] + 6
    assert followed["changed_lpips"] < ignored["changed_lpips"]


def test_colours_that_the_training_frame_has_not_are_said_once(tmp_path, caplog):
    spec = primitives.PrimitiveSpec("seg", palette=((200, 200, 200), (60, 60, 60)))
    protocol.measure(
        network(lambda drawing: drawing),
        HeldOut(moving_box(), spec, (48, 64)),
        tmp_path,
        about={},
    )
    assert [line for line in caplog.messages if "snapped" in line] == [
        "box: 4 of the drawings had colours that the training frame has not; they were snapped to the "
        "nearest ones"
    ]


@pytest.mark.slow
def test_during_training_a_few_frames_are_measured():
    sequence = moving_box(9)
    held_out = HeldOut(sequence, SEG, (48, 64))
    seen = []

    def edit(drawing):
        seen.append(drawing)
        return drawing

    measure = protocol.during_training(held_out, 3)
    first = measure(edit)
    assert measure(edit) == first and len(seen) == 6
    expected = np.mean([evaluate.lpips(*held_out.frame(i)) for i in (2, 5, 7)])
    assert first == {"lpips_alex": pytest.approx(expected, rel=1e-4)}
    assert protocol.during_training(held_out, 0)(lambda drawing: drawing)["lpips_alex"] > 0


def test_the_error_map_is_dark_where_nothing_differs():
    black = np.zeros((4, 5, 3), np.uint8)
    error = black.copy()
    error[1, 2] = 255
    shown = protocol.error_map(black, error).astype(int).sum(-1)
    assert shown[1, 2] > 600 and shown[0].max() < 20


def test_a_damaged_result_is_named(tmp_path):
    (tmp_path / "evaluation.json").write_text("{")
    with pytest.raises(UserError, match="evaluation.json: damaged"):
        protocol.read_results(tmp_path)
