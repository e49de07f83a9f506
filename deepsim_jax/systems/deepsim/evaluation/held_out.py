"""The frames that a network was not trained on, drawn as its training frame was."""

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.evaluate import perceptual
from deepsim_jax.images import io as images
from deepsim_jax.primitives import make as primitives
from deepsim_jax.sequences import frames
from deepsim_jax.systems.deepsim import pair

KINDS = ("edges", "seg", "seg_edges")
"""The kinds of primitive that a sequence can be drawn in."""

TRUE_FRAMES = "true frames"
"""`edges_from` of edges that were drawn from the very frames that are to be predicted."""


def default_kind(sequence: frames.Sequence) -> str:
    """The richest kind of primitive for which a sequence has parts; without any, edges."""
    if "segmentation" in sequence.parts:
        return "seg_edges" if "edges" in sequence.parts else "seg"
    return "edges"


def check_kind(sequence: frames.Sequence, kind: str):
    """Refuses a kind of primitive that cannot be drawn for the frames of a sequence.

    Segmentations made automatically frame by frame would not agree on their colours, so they must be
    given.

    Raises:
      UserError: saying which kinds are possible.
    """
    possible = KINDS if "segmentation" in sequence.parts else ("edges",)
    if kind not in possible:
        reason = "" if "segmentation" in sequence.parts else ": its frames have no segmentations"
        raise UserError(
            f"{sequence.name}: data.kind={kind} cannot be evaluated on it{reason}; choose "
            f"{' or '.join(possible)}"
        )


def choose_kind(sequence: frames.Sequence, kind: str) -> str:
    """The kind that `data.kind` names for a sequence, "auto" included; raises as `check_kind`."""
    kind = default_kind(sequence) if kind == "auto" else kind
    check_kind(sequence, kind)
    return kind


class HeldOut:
    """The frames of a sequence that a network was not trained on, at the network's size.

    Attributes:
      sequence: the frames.
      spec: how the network's primitive is drawn.
      size: (h, w) of its primitives and pictures.
      first: the true picture of the training frame, the trivial answer for all others.
      before: its drawing, conformed.
      edges_from: where the edges of the drawings come from: "" (the kind has none), "given" (by the
        sequence) or `TRUE_FRAMES` (Canny on the very picture that is to be predicted: they leak).
    """

    def __init__(self, sequence: frames.Sequence, spec: primitives.PrimitiveSpec, size: tuple[int, int]):
        """Checks that kind and size fit.

        Raises:
          UserError: the sequence has another aspect than the network, or lacks what its kind needs.
        """
        check_kind(sequence, spec.kind)
        self.sequence, self.spec, self.size = sequence, spec, tuple(size)
        edges = spec.kind != "seg"
        self.edges_from = ("given" if "edges" in sequence.parts else TRUE_FRAMES) if edges else ""
        drawing, self.first = self.frame(sequence.train)
        self.before, _ = primitives.conform(drawing, spec)
        frame_size = self.first.shape[:2]
        if frame_size != self.size:
            raise UserError(
                f"{sequence.name}: its frames become {frame_size[1]}x{frame_size[0]} px, the network "
                f"makes {self.size[1]}x{self.size[0]}; evaluate it on the sequence that it "
                "was trained on"
            )
        if min(self.size) < perceptual.SMALLEST:
            raise UserError(
                f"{sequence.name}: frames of {frame_size[1]}x{frame_size[0]} px cannot be measured; "
                f"each side needs {perceptual.SMALLEST}"
            )

    def frame(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The drawing of a frame and its true picture, both (h, w, 3) uint8.

        The drawing is made as the training frame's was; the picture is shrunk by averaging over areas.
        """
        photo = self.sequence.image(index)
        small = images.resize_to_limit(photo, max(self.size))
        parts = {name: self.sequence.part(name, index) for name in self.sequence.parts}
        drawing = pair.draw(
            photo,
            small,
            self.spec.kind,
            segmentation=parts.get("segmentation"),
            edge_map=parts.get("edges"),
            edge_color=self.spec.edge_color,
            canny_sigma=self.spec.canny_sigma,
        )
        return drawing, small
