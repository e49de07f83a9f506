"""The rows of the papers' tables: what each changes in a training, and the figures that were printed.

A row is a set of config keys over the base config of a table; nothing else differs between rows.
"""

import dataclasses
import re
from collections.abc import Mapping

from deepsim_jax.errors import UserError
from deepsim_jax.systems.deepsim.evaluation.protocol import UNTRAINED


@dataclasses.dataclass(frozen=True)
class Row:
    """One way of training.

    Attributes:
      key: its folder's name.
      label: what a page calls it.
      changes: config key -> value, over the table's base config.
      printed: published figures, "lpips" and "sifid".
    """

    key: str
    label: str
    changes: Mapping[str, object] = dataclasses.field(default_factory=dict)
    printed: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Table:
    """A set of rows.

    Attributes:
      title: of the page.
      rows: its rows; the first one is what the others are compared with.
      where: where the printed figures stand.
      note: why they can or cannot be compared with ours.
    """

    title: str
    rows: tuple[Row, ...]
    where: str
    note: str

    def __post_init__(self):
        """Refuses rows whose folders would be the same one, or none."""
        keys = [row.key for row in self.rows]
        wrong = [key for key in keys if not re.fullmatch(r"[\w-]+", key) or keys.count(key) > 1]
        wrong += [key for key in keys if key in UNTRAINED]
        if wrong or not keys:
            raise UserError(
                f"table {self.title!r}: row key {wrong[0] if wrong else ''!r}; each row needs its own, "
                f"of letters, digits, - and _, and none of {', '.join(UNTRAINED)}"
            )


NO_AUGMENTATION = {
    "augment.flip": 0.5,
    "augment.tps": 0.0,
    "augment.rotation": 0.0,
    "augment.shear": 0.0,
    "augment.translation": 0.0,
    "augment.crop": 0.0,
    "augment.cutmix": 0.0,
    "augment.canny": 0.0,
}
"""What all rows of the augmentation table start from: mirrored samples, nothing else."""


def _augmented(key, label, lpips, sifid, **draws):
    changes = {**NO_AUGMENTATION, **{f"augment.{name}": value for name, value in draws.items()}}
    return Row(key, label, changes, {"lpips": lpips, "sifid": sifid})


BASELINE = Table(
    title="Ours against single-image pix2pixHD",
    rows=(
        Row("ours", "ours", {}, {"lpips": 0.216, "sifid": 0.127}),
        Row(
            "baseline",
            "single-image pix2pixHD: crop and flip",
            {**NO_AUGMENTATION, "augment.crop": 0.5},
            {"lpips": 0.342, "sifid": 0.292},
        ),
    ),
    where="DeepSIM, Table 1: Cityscapes, mean of 16 sequences (464 frames), segmentations",
    note="Published: 16,000 steps of the 182 M parameter generator with VGG19. The printed numbers of "
    "the paper's Table 2 (LRS2) are not available to this project.",
)

AUGMENTATIONS = Table(
    title="Augmentations",
    rows=(
        _augmented("none", "none", 0.15, 0.25),
        _augmented("tps30", "TPS .3", 0.19, 0.15, tps=0.3),
        _augmented("tps60", "TPS .6", 0.18, 0.14, tps=0.6),
        _augmented("tps90", "TPS .9", 0.07, 0.10, tps=0.9),
        _augmented("tps99", "TPS .99", 0.05, 0.09, tps=0.99),
        _augmented("tps99-crop", "TPS .99 + crop", 0.05, 0.10, tps=0.99, crop=0.5),
        _augmented("tps80-rot", "TPS .8 + rotation", 0.07, 0.10, tps=0.8, rotation=0.5),
        _augmented("tps99-cutmix", "TPS .99 + CutMix", 0.03, 0.10, tps=0.99, cutmix=0.5),
        _augmented(
            "tps80-shear-rot", "TPS .8 + shear + rotation", 0.04, 0.10, tps=0.8, shear=0.5, rotation=0.5
        ),
        _augmented(
            "tps90-shear-rot", "TPS .9 + shear + rotation", 0.04, 0.10, tps=0.9, shear=0.5, rotation=0.5
        ),
        _augmented(
            "tps99-shear-rot", "TPS .99 + shear + rotation", 0.05, 0.10, tps=0.99, shear=0.5, rotation=0.5
        ),
        _augmented("tps99-canny", "TPS .99 + Canny sigma", 0.02, 0.10, tps=0.99, canny=1.0),
        _augmented(
            "all",
            "TPS .99 + shear + rotation + CutMix + Canny sigma",
            0.01,
            0.10,
            tps=0.99,
            shear=0.5,
            rotation=0.5,
            cutmix=0.5,
            canny=1.0,
        ),
    ),
    where="the DeepSIM repository's table of augmentations",
    note="The data set of the published table is implied, not named: face_video, by the figure beside "
    "it. Published: 16,000 steps of the 182 M parameter generator with VGG19.",
)

PRIMITIVES = Table(
    title="Kinds of primitive",
    rows=(
        Row("edges", "edges", {"data.kind": "edges"}),
        Row("seg", "segmentation", {"data.kind": "seg"}),
        Row("seg_edges", "super primitive: edges on the segmentation", {"data.kind": "seg_edges"}),
    ),
    where="",
    note="The paper compares kinds of primitive in pictures only (Figure 2).",
)

TABLES = {"baseline": BASELINE, "augmentations": AUGMENTATIONS, "primitives": PRIMITIVES}
"""What `--rows` takes."""
