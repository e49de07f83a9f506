"""The console: progress on stderr, one line for an error, exit codes."""

import logging
import sys
from collections.abc import Callable

import absl.logging

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.runtime import compilation

INTERRUPTED = 130
"""Exit code of something that was stopped and goes on when it is started again."""


class _Formatter(logging.Formatter):
    """Messages alone, warnings marked as such."""

    def format(self, record):
        """The line of a record."""
        line = super().format(record)
        return f"warning: {line}" if record.levelno == logging.WARNING else line


def start(prefix: str = ""):
    """Sends progress to stderr and keeps compiled programs.

    Args:
      prefix: before every line.
    """
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot print a name must not end a finished training.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(prefix.replace("%", "%%") + "%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("deepsim_jax").setLevel(logging.INFO)
    # Orbax logs what it raises as well, in its own words.
    absl.logging.set_verbosity(absl.logging.FATAL)
    compilation.use_cache()


def guard(do: Callable[[], int | None]) -> int:
    """Does it, and returns the exit code; what the user can mend becomes one line.

    Args:
      do: does something and returns its exit code, None for 0.
    """
    try:
        return do() or 0
    except UserError as error:
        return fail(error)
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return INTERRUPTED


def fail(error: object) -> int:
    """Says in one line what is wrong, and returns the exit code of it."""
    print(f"error: {one_line(error)}", file=sys.stderr)
    return 2
