"""DeepSIM as a system."""

from deepsim_jax.systems.contract import Opening, System
from deepsim_jax.systems.deepsim import config, verbs

SYSTEM = System(
    name="deepsim",
    title="DeepSIM",
    about="a photo and its primitive train a generator that follows an edited primitive",
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
)
