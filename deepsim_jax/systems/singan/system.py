"""SinGAN as a system."""

from deepsim_jax.systems.contract import Label, System
from deepsim_jax.systems.singan import config, verbs

SYSTEM = System(
    name="singan",
    title="SinGAN",
    about="a pyramid of small networks learns one photo's patches and makes pictures of them",
    purpose="Learn it first",
    promise="Training comes first, some minutes; then new pictures are made of what was learned.",
    schema=config.SCHEMA,
    verbs=verbs.VERBS,
    tables=verbs.TABLES,
    training="deepsim_jax.systems.singan.training:TRAINING",
    report="deepsim_jax.systems.singan.report:write",
    session="deepsim_jax.systems.singan.session:SinganSession",
    train_keys=("train.steps", "pyramid.max_size", "pyramid.min_size", "seed"),
    photo_key="data.image",
    labels={
        "pyramid.max_size": Label("Size"),
        "pyramid.min_size": Label("Size of the coarsest scale"),
        "seed": Label(end=999),
    },
)
