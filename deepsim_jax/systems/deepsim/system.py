"""DeepSIM as a system."""

from deepsim_jax.systems.contract import Label, Opening, System
from deepsim_jax.systems.deepsim import config, verbs

_OF_OUTLINES = {"data.kind": ("auto", "edges", "seg_edges")}
_OF_AREAS = {"data.kind": ("auto", "seg", "seg_edges")}

_LABELS = {
    "data.kind": Label(
        "Made of",
        titles={
            "auto": "Chosen by the photo",
            "edges": "Outlines",
            "seg": "Areas of colour",
            "seg_edges": "Outlines and areas",
            "paint": "Free drawing",
        },
        hints={
            "edges": "Only outlines: good for faces and things with clear borders.",
            "seg": "Only areas of colour: good for landscapes.",
            "seg_edges": "Outlines over areas of colour.",
        },
        left_out=("landmarks",),  # they are in a file
    ),
    "data.canny_sigma": Label("Smoothness of outlines", end=8, only_with=_OF_OUTLINES),
    "data.colors": Label("Number of colours", end=32, only_with=_OF_AREAS),
    "data.segmentation": Label("How areas are found", only_with=_OF_AREAS),
    "data.edge_color": Label("Colour of outlines", only_with=_OF_OUTLINES),
    "data.max_side": Label("Size of the drawing", end=1024),
    "train.coarse_steps": Label("Steps of the coarse part"),
    "seed": Label(end=999),
}

SYSTEM = System(
    name="deepsim",
    title="DeepSIM",
    about="a photo and its primitive train a generator that follows an edited primitive",
    purpose="Change it at once",
    promise="Move, paint and drag parts of the photo right away; training can come later.",
    schema=config.SCHEMA,
    verbs=verbs.VERBS,
    tables=verbs.TABLES,
    training="deepsim_jax.systems.deepsim.training:TRAINING",
    report="deepsim_jax.systems.deepsim.report:write",
    session="deepsim_jax.systems.deepsim.session:DeepsimSession",
    opening=Opening(
        open="deepsim_jax.systems.deepsim.training:untrained",
        keys=(
            "data.kind",
            "data.canny_sigma",
            "data.colors",
            "data.segmentation",
            "data.edge_color",
            "data.max_side",
        ),
    ),
    train_keys=("train.steps", "train.coarse_steps", "seed"),
    photo_key="data.image",
    labels=_LABELS,
)
