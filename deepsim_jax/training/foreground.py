"""Training as a command does it: progress on the terminal, stopped by signals."""

import contextlib
from collections.abc import Callable

from deepsim_jax.training import listeners, loop, signals
from deepsim_jax.training.listeners import Listener


def train(
    run: loop.Run,
    *,
    begun: Callable[[], None],
    listener: Listener | None = None,
    stop: Callable[[], bool] | None = None,
) -> loop.Position:
    """`loop.train`, and TensorBoard's files where the run asks for them.

    Args:
      run, begun: see there.
      listener: hears of it instead of the terminal; None: a bar, or lines in the log.
      stop: asked whether to stop; None: Ctrl-C and SIGTERM stop.
    """
    all_listeners = [listeners.Bar() if listener is None else listener]
    if run.tensorboard:
        all_listeners.append(listeners.TensorBoard(run.workdir / "tensorboard"))
    with contextlib.ExitStack() as stack:
        if stop is None:
            stop = stack.enter_context(signals.stop_requests())
        return loop.train(run, begun=begun, listener=listeners.Listeners(*all_listeners), stop=stop)
