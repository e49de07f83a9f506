"""What can be done with a run of iGAN, and its tables, as declarations."""

from deepsim_jax.systems.contract import Option, Table, Verb

_RUN = "deepsim_jax.systems.igan.commands:run"
_TABLE = "deepsim_jax.systems.igan.study.commands:run"

_PNG = Option("output", "path", "the .png to write", is_needed=True)
_SEVERAL = Option("output", "path", "a .png with all of them, or a folder", is_needed=True)
_PHOTO = Option("input", "path", "the photo, of any size")
_STROKES = Option(
    "strokes",
    "path",
    "a .json file with the strokes of the color, sketch and warp brushes",
    is_needed=True,
)
_SEED = Option("seed", "int", "of what is drawn at random (default: 0)", low=0)
_PROJECTING = (
    Option(
        "solver",
        "word",
        "how the photo is projected: network, optimise from random starts, hybrid (default: hybrid)",
        choices=("hybrid", "optimise", "network"),
    ),
    Option("box", "text", "LEFT,TOP,WIDTH,HEIGHT of what the generator sees, px (default: the middle)"),
    Option("mask", "text", "what of the photo counts, white in a file, or words as for SinGAN's edit"),
    Option("starts", "int", "of the solver optimise (default: 4)", low=1),
)
_SEARCHING = (
    Option("count", "int", "candidates that are tried (default: 16; published: 64)", low=1),
    Option("iterations", "int", "steps of Adam (default: 40, as published)", low=1),
    Option(
        "smoothness",
        "float",
        "how strongly they stay near the photo's picture (default: 5, as published; with a sketch 1)",
        low=0,
    ),
    Option("realism", "float", "weight of the discriminator's judgement (default: 0)", low=0),
)


def _needed(option: Option) -> Option:
    return Option(**{**option.__dict__, "is_needed": True})


VERBS = (
    Verb(
        "samples",
        "random pictures of the collection's kind, each beside the nearest that was trained on",
        (
            _SEVERAL,
            _SEED,
            Option("count", "int", "how many (default: 32)", low=1),
            Option("nearest", "bool", "whether the nearest training pictures stand beside them"),
        ),
        run=_RUN,
    ),
    Verb(
        "project",
        "the nearest picture on the manifold to a photo",
        (_PNG, _needed(_PHOTO), _SEED, *_PROJECTING),
        run=_RUN,
    ),
    Verb(
        "edit",
        "the best picture that follows strokes, near a photo's or from scratch",
        (_PNG, _PHOTO, _STROKES, _SEED, *_PROJECTING, *_SEARCHING),
        run=_RUN,
    ),
    Verb(
        "candidates",
        "the best nine pictures that follow strokes",
        (_SEVERAL, _PHOTO, _STROKES, _SEED, *_PROJECTING, *_SEARCHING),
        run=_RUN,
    ),
    Verb(
        "transfer",
        "the photo itself, changed as strokes change its picture",
        (
            _PNG,
            _needed(_PHOTO),
            _STROKES,
            _SEED,
            Option("candidate", "int", "which one, 0 is the best (default: 0)", low=0),
            Option("amount", "float", "0 is the photo, 1 the whole edit (default: 1)", low=0, high=1),
            *_PROJECTING,
            *_SEARCHING,
        ),
        run=_RUN,
    ),
    Verb(
        "morph",
        "a film of a photo that takes on the shape and the colours of another one",
        (
            Option("output", "path", "an .mp4, .webm or .gif file", is_needed=True),
            _needed(_PHOTO),
            Option("other", "path", "the photo that it comes to resemble", is_needed=True),
            _SEED,
            Option("frames", "int", "how many (default: 24)", low=2),
            *_PROJECTING,
        ),
        run=_RUN,
    ),
)

TABLES = (
    Table(
        "reconstruction",
        "three ways to project held-out pictures; input: a collection (default: the config's)",
        _TABLE,
        needs_input=False,
    ),
    Table("classes", "models of one class, of several and of another; input: collections", _TABLE),
    Table("transfers", "edits given back to photos, beside other ways; input: photos", _TABLE),
)
