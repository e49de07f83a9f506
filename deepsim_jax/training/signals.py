"""Ctrl-C and SIGTERM as a wish to stop, for a command that trains."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator

import jax

log = logging.getLogger("deepsim_jax")


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yields `stop`, which returns True after Ctrl-C or SIGTERM; these do not end the process meanwhile.

    A second signal raises KeyboardInterrupt. Of several processes JAX handles SIGTERM, see
    `devices.stop_agreed`. Outside of the main thread, which alone gets signals, `stop` stays false.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event.is_set
        return

    def request(number, frame):
        if event.is_set():
            raise KeyboardInterrupt
        log.warning("stopping after this step; press Ctrl-C again to stop without saving")
        event.set()

    # The first question leaves a GPU alone, which a process that only gives out work does not need.
    alone = not jax.distributed.is_initialized() or jax.process_count() == 1
    numbers = (signal.SIGINT, signal.SIGTERM) if alone else (signal.SIGINT,)
    old = {number: signal.signal(number, request) for number in numbers}
    try:
        yield event.is_set
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
