"""The verb "serve"."""

import os
import signal
import sys

from deepsim_jax.editor import serving
from deepsim_jax.systems.contract import Call


def run(call: Call) -> int:
    """Serves the browser editor until Ctrl-C or SIGTERM.

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
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        print(f"edit at {server.url}", flush=True)
        print(f"saved in {server.workdir}; Ctrl-C ends it", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print("stopped; the same command shows everything as it was", file=sys.stderr)
        if not server.stop():
            # A compilation cannot be told to stop, and the interpreter would wait for it.
            sys.stdout.flush()
            os._exit(0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0
