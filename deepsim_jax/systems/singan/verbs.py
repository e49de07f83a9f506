"""Declares the verbs and the tables of SinGAN."""

from deepsim_jax.systems.contract import Option, Table, Verb

_OUTPUT = Option(
    "output",
    "path",
    "a .png file; for several pictures a folder or a .png with all of them",
    is_needed=True,
)
_SEED = Option("seed", "int", "of the noise; another one, other pictures (default: 0)", low=0)
_START_SCALE = Option(
    "start_scale", "int", "where fresh noise or the given picture enters; 0 is the coarsest"
)
_SHEET = Option("sheet", "bool", "shows what each start scale makes, as one picture")
_PICTURES = (_OUTPUT, _SEED, _START_SCALE, _SHEET)
_COUNT = Option("count", "int", "how many pictures (default: 1)", low=1)
_SIZE = Option("size", "size", "of the pictures (default: the training size)")
_CHANGED = Option(
    "mask",
    "text",
    "what was changed, white in a file (default: the difference to the photo), or words: "
    "difference:PICTURE, color:R,G,B, bright, dark, polygons in a .json file",
)
_HINTS = {
    "keep": "--keep is for a run of deepsim; a SinGAN takes --mask, in which what was "
    "changed is white; without it, the changed pixels are found by themselves"
}


def _needed(option: Option) -> Option:
    return Option(**{**option.__dict__, "is_needed": True})


def _verb(name: str, about: str, *options: Option, **fields) -> Verb:
    return Verb(
        name, about, options, run="deepsim_jax.systems.singan.commands:run", hints=_HINTS, **fields
    )


VERBS = (
    _verb("sample", "random pictures like the photo", *_PICTURES, _COUNT, _SIZE),
    _verb("retarget", "the photo in another size and aspect", *_PICTURES, _COUNT, _needed(_SIZE)),
    _verb(
        "paint",
        "a rough drawing with the photo's patches",
        *_PICTURES,
        _COUNT,
        Option("input", "path", "the drawing", is_needed=True),
        Option(
            "colors",
            "int",
            "trains the start scale again, once, on so many of the photo's colours, and takes the "
            "drawing in them (published: 5)",
            low=2,
        ),
    ),
    _verb(
        "edit",
        "an edited photo made seamless",
        *_PICTURES,
        Option("input", "path", "the edited photo", is_needed=True),
        _CHANGED,
    ),
    _verb(
        "harmonise",
        "a pasted object in the photo's colours and texture",
        *_PICTURES,
        Option("input", "path", "the photo with the object", is_needed=True),
        _CHANGED,
    ),
    _verb(
        "enlarge",
        "the photo, or another picture, larger",
        _OUTPUT,
        _SEED,
        Option("input", "path", "a picture (default: the photo)"),
        Option("times", "float", "by what factor", is_needed=True),
    ),
    _verb(
        "animate",
        "the photo, moving",
        Option("output", "path", "an .mp4, .webm, .gif, .webp or .apng file", is_needed=True),
        _SEED,
        _START_SCALE,
        _SHEET,
        Option("frames", "int", "how many (default: 100)"),
        Option("alpha", "float", "how close to the photo, 0 to 1 (default: 0.1)"),
        Option("beta", "float", "how smooth, 0 to 1 (default: 0.9)"),
    ),
    _verb(
        "inpaint",
        "a damaged picture with its hole filled; with a config, trains on its whole parts first",
        _needed(Option("mask", "text", "the hole: a file, white = the hole, or words, as for edit")),
        *_PICTURES,
        Option("input", "path", "the damaged picture (default: the photo, or the config's data.image)"),
        Option("reference", "path", "a picture that resembles the undamaged one"),
        Option("grow", "int", "with a config: pixels by which the hole is widened (default: 0)", low=0),
        Option(
            "trained_on",
            "word",
            "with a config: whether the hole is filled by a simple method before the training, or "
            "trained on as it is (default: filled)",
            choices=("filled", "damaged"),
        ),
        takes_config=True,
    ),
)

_TABLE = "deepsim_jax.systems.singan.study.commands:table"
TABLES = (
    Table("samples", "diversity and distance of random pictures", _TABLE),
    Table("enlarging", "super-resolution by 4", _TABLE),
    Table(
        "inpainting", "SinGAN beside simple methods, on pictures of its own", _TABLE, needs_input=False
    ),
)
