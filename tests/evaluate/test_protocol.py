"""Evaluation of a network on the frames that it was not trained on."""

import dataclasses
import json

import cv2
import numpy as np
import pytest

from deepsim_jax import evaluate
from deepsim_jax.data import images, primitives
from deepsim_jax.data.sequence import Sequence
from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import protocol


def moving_box(count=5, size=(48, 64), *, parts=("segmentation",), train=0):
    """A bright box that moves over a slope, with its segmentation and its outline."""

    def read(kind, index):
        height, width = size
        segmentation = np.full((height, width, 3), 200, np.uint8)
        segmentation[10:30, 5 + 6 * index: 25 + 6 * index] = 40
        if kind == "segmentation":
            return segmentation
        if kind == "edges":
            return cv2.Canny(segmentation, 50, 100) > 0
        noise = np.random.default_rng(index).integers(0, 20, (height, width, 3))
        return (segmentation // 2 + 60 + noise).astype(np.uint8)

    names = tuple(str(n) for n in range(count))
    return Sequence(name="box", frames=names, train=train, parts=parts, size=size, reader=read)


SEG = primitives.PrimitiveSpec("seg", palette=((200, 200, 200), (40, 40, 40)))


def test_drawings_are_those_of_the_sequence_and_truths_are_shrunk_by_area():
    sequence = moving_box()
    held_out = protocol.HeldOut(sequence, SEG, (36, 48))
    drawing, truth = held_out.frame(3)
    np.testing.assert_array_equal(
        drawing, images.resize_labels(sequence.part("segmentation", 3), 36, 48))
    np.testing.assert_array_equal(
        truth, cv2.resize(sequence.image(3), (48, 36), interpolation=cv2.INTER_AREA))
    assert held_out.edges_from == ""


@pytest.mark.parametrize("parts, origin", [
    (("segmentation",), "true frames"), (("segmentation", "edges"), "given")])
def test_edges_of_the_true_frames_are_marked(parts, origin):
    sequence = moving_box(parts=parts)
    held_out = protocol.HeldOut(sequence, primitives.PrimitiveSpec("seg_edges", palette=SEG.palette),
                                (48, 64))
    assert held_out.edges_from == origin
    black = (held_out.frame(2)[0] == 0).all(-1)
    if origin == "given":
        np.testing.assert_array_equal(black, sequence.part("edges", 2))
    else:
        expected = primitives.make_primitive(sequence.image(2), "edges", sigma=2.0)
        np.testing.assert_array_equal(black, (expected == 0).all(-1))


def test_kinds_that_a_sequence_cannot_give_are_refused():
    bare = moving_box(parts=())
    assert protocol.default_kind(bare) == "edges"
    assert protocol.default_kind(moving_box()) == "seg"
    assert protocol.default_kind(moving_box(parts=("segmentation", "edges"))) == "seg_edges"
    for kind in ("seg", "seg_edges", "paint"):
        with pytest.raises(UserError, match="box: data.kind=.* no segmentations; choose edges"):
            protocol.check_kind(bare, kind)
    with pytest.raises(UserError, match="landmarks cannot be evaluated on it; choose edges or seg"):
        protocol.check_kind(moving_box(), "landmarks")


def test_another_size_is_refused():
    with pytest.raises(UserError, match="frames become 48x36 px, the network makes 48x48"):
        protocol.HeldOut(moving_box(), SEG, (48, 48))
    with pytest.raises(UserError, match="frames of 32x24 px cannot be measured; each side needs 31"):
        protocol.HeldOut(moving_box(), SEG, (24, 32))


def test_figures_of_every_frame_and_of_the_trivial_answer(tmp_path):
    sequence = moving_box()
    held_out = protocol.HeldOut(sequence, SEG, (48, 64))
    found = protocol.measure(lambda drawing: drawing // 2 + 70, held_out, tmp_path, about={"steps": 7})
    assert found == protocol.read_results(tmp_path)
    assert (found["sequence"], found["train_frame"], found["steps"]) == ("box", "0", 7)
    network, unchanged = found["rows"]
    assert [row["frame"] for row in network["frames"]] == ["1", "2", "3", "4"]
    for index in (1, 4):
        edited = sequence.part("segmentation", index) // 2 + 70
        expected = evaluate.measure(edited, sequence.image(index), columns=found["columns"])
        trivial = evaluate.measure(sequence.image(0), sequence.image(index), columns=found["columns"])
        for column in found["columns"]:
            assert network["frames"][index - 1][column] == pytest.approx(expected[column], rel=1e-4)
            assert unchanged["frames"][index - 1][column] == pytest.approx(trivial[column], rel=1e-4)
    assert network["mean"]["psnr"] == pytest.approx(np.mean([f["psnr"] for f in network["frames"]]))
    for strip in found["strips"]:
        assert all((tmp_path / path).is_file() for _, path in strip["pictures"])
    assert "network" in protocol.summary(found) and "unchanged" in protocol.summary(found)
    assert set(found["absent"]) <= {"sifid_64", "sifid_192"}


def test_an_interrupted_evaluation_goes_on_after_its_last_frame(tmp_path, monkeypatch):
    monkeypatch.setattr(protocol, "BATCH", 1)
    held_out = protocol.HeldOut(moving_box(), SEG, (48, 64))
    seen = []

    def edit(drawing):
        seen.append(drawing)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return drawing

    with pytest.raises(KeyboardInterrupt):
        protocol.measure(edit, held_out, tmp_path, about={"steps": 7})
    assert protocol.read_results(tmp_path) is None
    with open(tmp_path / "frames.jsonl", "a") as file:
        file.write('{"frame": "3", "netw')  # what a kill leaves of a line
    found = protocol.measure(edit, held_out, tmp_path, about={"steps": 7})
    assert len(seen) == 5 and found["seconds"]["frames"] == 2
    whole = protocol.measure(lambda drawing: drawing, held_out, tmp_path / "whole", about={"steps": 7})
    assert found["rows"] == whole["rows"]
    lines = [json.loads(line) for line in (tmp_path / "frames.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines[1:]] == ["1", "2", "3", "4"]


def test_figures_of_another_network_or_of_other_frames_are_not_kept(tmp_path):
    held_out = protocol.HeldOut(moving_box(), SEG, (48, 64))
    protocol.measure(lambda drawing: drawing, held_out, tmp_path, about={"network": "a"})
    found = protocol.measure(lambda drawing: 255 - drawing, held_out, tmp_path, about={"network": "b"})
    other = protocol.measure(lambda drawing: 255 - drawing, held_out, tmp_path / "b",
                             about={"network": "b"})
    assert found["rows"] == other["rows"] and other["seconds"]["frames"] == 4
    read = held_out.sequence.reader
    changed = dataclasses.replace(
        held_out.sequence, reader=lambda kind, index: read(kind, index - (index == 3)))
    held_out = protocol.HeldOut(changed, SEG, (48, 64))
    again = protocol.measure(lambda drawing: 255 - drawing, held_out, tmp_path, about={"network": "b"})
    assert again["seconds"]["frames"] == 1
    frames = [row["frames"] for row in (again["rows"][0], found["rows"][0])]
    assert [a == b for a, b in zip(*frames, strict=True)] == [True, True, False, True]


def test_a_frame_like_the_training_frame_has_no_psnr_and_the_json_is_json(tmp_path):
    still = dataclasses.replace(moving_box(), reader=lambda kind, index: moving_box().reader(
        kind, 0 if index == 1 else index))
    held_out = protocol.HeldOut(still, SEG, (48, 64))
    found = protocol.measure(lambda drawing: drawing, held_out, tmp_path, about={})
    unchanged = found["rows"][1]
    values = [frame["psnr"] for frame in unchanged["frames"]]
    assert values[0] is None and unchanged["mean"]["psnr"] == pytest.approx(np.mean(values[1:]))
    assert "Infinity" not in (tmp_path / "evaluation.json").read_text()
    assert "unchanged" in protocol.summary(found)


def test_the_trivial_answer_is_taken_from_an_earlier_result_of_the_same_frames(tmp_path):
    held_out = protocol.HeldOut(moving_box(), SEG, (48, 64))
    first = protocol.measure(lambda drawing: drawing, held_out, tmp_path / "a", about={"steps": 7})
    first["rows"][1]["frames"][0]["psnr"] = 99.0
    second = protocol.measure(lambda drawing: 255 - drawing, held_out, tmp_path / "b",
                              about={"steps": 7}, known=first)
    assert second["rows"][1]["frames"] == first["rows"][1]["frames"]
    other = protocol.measure(lambda drawing: drawing, held_out, tmp_path / "c", about={"steps": 7},
                             known={**first, "first": "another picture"})
    assert other["rows"][1]["frames"][0]["psnr"] < 60


def test_during_training_a_few_frames_are_measured():
    sequence = moving_box(9)
    held_out = protocol.HeldOut(sequence, SEG, (48, 64))
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
