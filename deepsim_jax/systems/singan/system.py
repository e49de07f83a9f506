"""SinGAN as a system."""

from deepsim_jax.systems.contract import System
from deepsim_jax.systems.singan import config, verbs

SYSTEM = System(
    name="singan",
    title="SinGAN",
    about="a pyramid of small networks learns one photo's patches and makes pictures of them",
    schema=config.SCHEMA,
    verbs=verbs.VERBS,
    tables=verbs.TABLES,
    training="deepsim_jax.systems.singan.training:TRAINING",
    report="deepsim_jax.systems.singan.report:write",
    session="deepsim_jax.systems.singan.session:SinganSession",
    train_keys=("train.steps", "pyramid.max_size", "pyramid.min_size", "seed"),
)
