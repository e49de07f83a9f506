"""The verb "train"."""

from deepsim_jax import api
from deepsim_jax.commands.console import INTERRUPTED
from deepsim_jax.errors import UserError
from deepsim_jax.systems.contract import Call
from deepsim_jax.training import devices, run_folder


def run(call: Call) -> int:
    """Starts or continues a run and writes its report page.

    Raises:
      UserError: no config for a new run, or an unusable config, source or folder.
    """
    if call.distributed:
        devices.join()
    with devices.together():
        config, source = _config_and_source(call)
    model = api.train_source(source, config, call.folder, extend=call.extend)
    if devices.is_first():
        print(api.write_report(call.folder))
    return 0 if model.finished else INTERRUPTED


def _config_and_source(call):
    """Those of the run to start or to continue."""
    if call.config is not None:
        return call.config, api.read_source_of_run(call.config, call.folder)
    if not run_folder.is_run(call.folder):
        raise UserError("--config is needed for a new run, e.g. --config=configs/quickstart.py")
    return api.read_config(call.folder), api.load_source(call.folder)
