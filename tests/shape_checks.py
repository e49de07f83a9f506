"""Checks in tests what the signatures of the package's maths say of types and shapes (jaxtyping).

`conftest.py` switches it on before the package is imported; outside of the tests nothing is checked.
"""

import functools

import beartype
import jaxtyping

MODULES = ["deepsim_jax.geometry", "deepsim_jax.losses", "deepsim_jax.ops"]

# As for type checkers, a whole number is a float too.
checked = functools.partial(beartype.beartype, conf=beartype.BeartypeConf(is_pep484_tower=True))


def switch_on():
    """Puts the checks around each function of these modules when it is imported."""
    jaxtyping.install_import_hook(MODULES, f"{__name__}.checked")
