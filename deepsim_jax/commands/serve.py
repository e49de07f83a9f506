"""The verb "serve"."""

import os
import signal
import sys

from deepsim_jax.commands import console
from deepsim_jax.editor import serving
from deepsim_jax.systems.contract import Call

SAVING = 20.0
"""Seconds for which a training's step is waited for at the end, so that nothing of it is lost."""


def run(call: Call) -> int:
    """Serves the browser editor until Ctrl-C or SIGTERM; a second one ends it at once, with 130.

    Raises:
      UserError: the extra is not installed, or a port, folder or photo that cannot be used.
    """
    server = serving.serve(
        call.workdir,
        photo=call.photo,
        host=call.host,
        port=call.port or None,
        open_browser=call.open_browser,
    )
    # SIGINT, too: a shell that starts a program in the background lets it ignore that.
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    _on_signals(before, signal.default_int_handler)
    try:
        print(f"edit at {server.url}", flush=True)
        print(f"saved in {server.workdir}; Ctrl-C ends it", flush=True)
        server.wait()
    except KeyboardInterrupt:
        _on_signals(before, _end_at_once)
        _stop(server)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _stop(server: serving.Server) -> None:
    """Ends a server, and says in one line what of it is saved."""
    trainings = server.trainings
    if trainings:
        print("saving what is being trained; Ctrl-C again ends at once", file=sys.stderr, flush=True)
    ended = server.stop(SAVING)
    unsaved = server.unsaved
    told = "; ".join([*(job.told for job in trainings), *unsaved]) or "every step is saved"
    shown = "what is saved" if unsaved else "everything as it was"
    print(f"stopped; {told}; the same command shows {shown}", file=sys.stderr, flush=True)
    if not ended:
        # A compilation cannot be told to stop, and the interpreter would wait for it.
        os._exit(0)


def _on_signals(numbers, handler):
    for number in numbers:
        signal.signal(number, handler)


def _end_at_once(number, frame):
    os._exit(console.INTERRUPTED)
