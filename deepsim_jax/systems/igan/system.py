"""iGAN as a system."""

from deepsim_jax.systems.contract import System
from deepsim_jax.systems.igan import config, verbs

SYSTEM = System(
    name="igan",
    title="iGAN",
    about="a collection's manifold is learned; photos are edited on it, and get the edit back",
    schema=config.SCHEMA,
    verbs=verbs.VERBS,
    tables=verbs.TABLES,
    training="deepsim_jax.systems.igan.training:TRAINING",
    report="deepsim_jax.systems.igan.report:write",
    session="deepsim_jax.systems.igan.session:open_session",
)
