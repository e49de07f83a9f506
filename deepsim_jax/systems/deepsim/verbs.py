"""Declares the verbs and the tables of DeepSIM."""

from deepsim_jax.systems.contract import Option, Table, Verb

_SEQUENCE = Option(
    "input",
    "text",
    "a sequence: a folder of frames, a video, clip:carphone, ... (default: the run's data.sequence)",
)

VERBS = (
    Verb(
        name="edit",
        about="the photo that an edited primitive describes; with a config and no run, at once",
        options=(
            Option(
                "input",
                "path",
                "the edited primitive: a picture, a recipe (.json), a folder of pictures or a film",
                is_needed=True,
            ),
            Option(
                "output",
                "path",
                "the .png to write; for a folder or a film of primitives a folder, or a film (.mp4, "
                ".webm, .gif, .webp, .apng)",
                is_needed=True,
            ),
            Option("keep", "text", "'auto', or a mask whose lighter part is kept from the photo"),
            Option(
                "engine",
                "word",
                "network: the trained generator; copy: the photo's own pixels, nothing trained; both: "
                "the copy, and the network where the photo lacks what is drawn; auto: both where "
                "something is trained that paints better than it is copied, else the copy",
                default="auto",
                choices=("auto", "copy", "network", "both"),
            ),
            Option(
                "amounts",
                "words",
                "factors for a recipe's movements, e.g. 0,0.5,1,2: makes a strip; at most 1 where a step "
                "takes hold of what another one moves",
            ),
        ),
        run="deepsim_jax.systems.deepsim.commands:edit",
        takes_config=True,
        needs_workdir=False,
    ),
    Verb(
        name="evaluate",
        about="how good it is on the frames of a sequence that it was not trained on",
        options=(
            _SEQUENCE,
            Option("output", "path", "folder (default: evaluations/ in the run's)"),
            Option("inception", "text", "file of torchvision's Inception-v3 for SIFID, or 'download'"),
        ),
        run="deepsim_jax.systems.deepsim.study.commands:evaluate",
    ),
    Verb(
        name="analyse",
        about="how new the patches of a test drawing are, and where the network errs",
        options=(
            _SEQUENCE,
            Option("output", "path", "folder (default: analysis/ in the run's)"),
            Option("frame", "text", "the held-out frame (default: the middle one)"),
        ),
        run="deepsim_jax.systems.deepsim.study.commands:analyse",
    ),
)

_RUN = "deepsim_jax.systems.deepsim.study.commands:table"
TABLES = (
    Table("baseline", "ours against single-image pix2pixHD, the paper's Tables 1 and 2", _RUN),
    Table("augmentations", "the authors' 13 sets of augmentations", _RUN),
    Table("primitives", "edges, segmentation, and both", _RUN),
)
