"""Doing what a command line asks for."""

import logging

from deepsim_jax.commands import verbs
from deepsim_jax.systems.contract import Call
from deepsim_jax.training import run_folder

log = logging.getLogger("deepsim_jax")


def invoke(offer: verbs.Offer, call: Call) -> int | None:
    """Calls the verb and returns its exit code; says first if a config is given that it leaves aside."""
    if call.config is not None and not offer.verb.takes_config:
        if offer.system is not None and call.workdir is not None:
            run_folder.warn_of_other_settings(
                call.workdir, call.config, offer.system.schema, verb=call.spelling
            )
        else:
            log.warning("%s takes no --config: it is left aside", call.spelling)
    return offer.verb(call)
