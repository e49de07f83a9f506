"""The frames that a network was not trained on, and their drawings."""

import cv2
import numpy as np
import pytest
from moving_box import SEG, moving_box

from deepsim_jax.errors import UserError
from deepsim_jax.images import io as images
from deepsim_jax.primitives import make as primitives
from deepsim_jax.systems.deepsim.evaluation.held_out import HeldOut, check_kind, default_kind


def test_drawings_are_those_of_the_sequence_and_truths_are_shrunk_by_area():
    sequence = moving_box()
    held_out = HeldOut(sequence, SEG, (36, 48))
    drawing, truth = held_out.frame(3)
    np.testing.assert_array_equal(drawing, images.resize_labels(sequence.part("segmentation", 3), 36, 48))
    np.testing.assert_array_equal(
        truth, cv2.resize(sequence.image(3), (48, 36), interpolation=cv2.INTER_AREA)
    )
    assert held_out.edges_from == ""


@pytest.mark.parametrize(
    "parts, origin", [(("segmentation",), "true frames"), (("segmentation", "edges"), "given")]
)
def test_edges_of_the_true_frames_are_marked(parts, origin):
    sequence = moving_box(parts=parts)
    held_out = HeldOut(sequence, primitives.PrimitiveSpec("seg_edges", palette=SEG.palette), (48, 64))
    assert held_out.edges_from == origin
    black = (held_out.frame(2)[0] == 0).all(-1)
    if origin == "given":
        np.testing.assert_array_equal(black, sequence.part("edges", 2))
    else:
        expected = primitives.make_primitive(sequence.image(2), "edges", sigma=2.0)
        np.testing.assert_array_equal(black, (expected == 0).all(-1))


def test_kinds_that_a_sequence_cannot_give_are_refused():
    bare = moving_box(parts=())
    assert default_kind(bare) == "edges"
    assert default_kind(moving_box()) == "seg"
    assert default_kind(moving_box(parts=("segmentation", "edges"))) == "seg_edges"
    for kind in ("seg", "seg_edges", "paint"):
        with pytest.raises(UserError, match="box: data.kind=.* no segmentations; choose edges"):
            check_kind(bare, kind)
    with pytest.raises(UserError, match="landmarks cannot be evaluated on it; choose edges or seg"):
        check_kind(moving_box(), "landmarks")


def test_another_size_is_refused():
    with pytest.raises(UserError, match="frames become 48x36 px, the network makes 48x48"):
        HeldOut(moving_box(), SEG, (48, 48))
    with pytest.raises(UserError, match="frames of 32x24 px cannot be measured; each side needs 31"):
        HeldOut(moving_box(), SEG, (24, 32))
