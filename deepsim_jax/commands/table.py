"""The verb "table"."""

from deepsim_jax import registry
from deepsim_jax.commands.console import INTERRUPTED
from deepsim_jax.errors import UserError
from deepsim_jax.runtime import locks
from deepsim_jax.runtime.paths import user_path
from deepsim_jax.systems.contract import Call


def run(call: Call) -> int:
    """Makes a table, or goes on with it, and says what it shows.

    Raises:
      UserError: no config or input, or unusable ones; another process that works in the folder.
    """
    if call.config is None:
        raise UserError("--config is needed: what every row of the table starts from")
    tables = {table.name: table for system in registry.systems() for table in system.tables}
    table = tables[call.rows]
    if table.needs_input and not call.input:
        raise UserError(f"--input is needed for {call.spelling}")
    given = (call.input or "").strip()
    whole = bool(given) and user_path(given).exists()  # a name may have commas in it
    inputs = [given] if whole else [spec.strip() for spec in given.split(",") if spec.strip()]
    with locks.held(call.folder, doing="makes a table"):
        result = table(call, inputs)
    print(*result["findings"], call.folder / "report.html", sep="\n")
    return INTERRUPTED if result["pending"] else 0
