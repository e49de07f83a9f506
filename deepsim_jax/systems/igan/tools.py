"""What a hand can do with a trained collection in an editor, as declarations."""

from deepsim_jax.systems.contract import Label, Option, Tool
from deepsim_jax.systems.igan import brush_actions, editing

SIDE = 384
"""Of the drawing, px at least, as in the published program."""

_CANDIDATE = Option(
    "candidate", "int", "which one, 0 is the best", default=0, low=0, high=editing.SHOWN - 1
)


def _radius(default: float) -> Option:
    about = "of the line, in pixels of the drawing"
    least, most = brush_actions.LEAST_RADIUS, brush_actions.MOST_RADIUS
    return Option(
        "radius", "float", about, default=default, low=least, high=most, label=Label(end=SIDE / 2)
    )


TOOLS = (
    Tool(
        "open",
        "a photo to edit, of any size",
        "picture",
        (
            Option("picture", "picture", "path or uint8 array of the photo", is_needed=True),
            Option("box", "box", "what is seen of it; without it, its middle"),
        ),
        key="o",
        title="Open a photo",
        help="Choose a photo of the same kind of thing; draw a box around that where it is small. "
        "What you draw then changes this photo.",
        icon="open",
    ),
    Tool(
        "match",
        "what of the photo counts, when it is projected anew",
        "region",
        (
            Option(
                "mask",
                "picture",
                "path or array over what is seen of the photo; its lighter part counts",
                is_needed=True,
            ),
        ),
        takes=("mask",),
        ground="photo",
        key="k",
        title="What counts",
        help="Mark what of the photo its picture must resemble, and leave out what hides the thing. "
        "Strokes stay; what was fixed does not.",
        icon="mask",
    ),
    Tool(
        "color",
        "asks for a colour along a stroke",
        "stroke",
        (_radius(8.5), Option("color", "color", "[red, green, blue]", is_needed=True)),
        takes=("points",),
        ink="color",
        key="c",
        title="Colour",
        help="Say which colour it should have where you paint.",
        icon="brush",
    ),
    Tool(
        "sketch",
        "asks for an edge along a stroke",
        "stroke",
        (_radius(2.5), Option("erase", "bool", "asks for no edge there", default=False)),
        takes=("points",),
        ink="sketch",
        key="s",
        title="Sketch",
        help="Draw where there should be an outline.",
        icon="pen",
    ),
    Tool(
        "warp",
        "asks for what is at one place at another",
        "points",
        (
            Option(
                "reach",
                "float",
                "half the side of the patch that is taken along",
                default=72.0,
                low=brush_actions.LEAST_REACH,
            ),
        ),
        takes=("from", "to"),
        key="w",
        title="Warp",
        help="Take hold of a part and drag it to where it should be.",
        icon="drag",
    ),
    Tool(
        "choose",
        "which candidate is shown first and given to the photo, and how far",
        "none",
        (
            _CANDIDATE,
            Option(
                "amount", "float", "0 is the original, 1 the whole edit", default=1.0, low=0.0, high=1.0
            ),
        ),
        takes=("candidate",),
        key="g",
        title="Choose",
        help="Click one of the pictures; slide between the original and the edit.",
        icon="slider",
    ),
    Tool(
        "play",
        "the way from the original to the edit, as a film",
        "none",
        (Option("frames", "int", "of the film", default=16, low=2, high=120),),
        key="p",
        title="Play",
        help="Shows how the original becomes the edit; “Make a film” saves it.",
        icon="film",
    ),
    Tool(
        "fix",
        "goes on from a candidate; strokes before it are done with",
        "none",
        (_CANDIDATE,),
        takes=("candidate",),
        key="f",
        title="Fix",
        help="Keeps what is shown, takes the strokes away, and lets you go on from there.",
        icon="lock",
    ),
    Tool(
        "restart",
        "other candidates for the same strokes",
        "none",
        (Option("seed", "int", "another one, other candidates", default=1, low=0, label=Label(end=999)),),
        key="r",
        title="Restart",
        help="Looks for other pictures that fit the same strokes.",
        icon="dice",
    ),
)
"""What a hand can do. An action is {"tool": name, ...} with the tool's options; strokes have "points",
[[x, y], ...] in pixels of the drawing, a warp as many points "from" as "to"."""
