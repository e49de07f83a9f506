"""The command line.

    python -m deepsim_jax.main --config=configs/quickstart.py --workdir=runs/me \\
        --config.data.image=me.jpg
    python -m deepsim_jax.main --mode=edit --workdir=runs/me --input=edited.png --output=out.png

`deepsim_jax edit --workdir=...` and `python -m deepsim_jax edit --workdir=...` mean the same. `--help`
shows all verbs, `deepsim_jax edit --help` the flags of one.
"""

# ruff: noqa: E402
from deepsim_jax.runtime import hugepages

if __name__ == "__main__":
    hugepages.restart()

import sys
from collections.abc import Sequence

from deepsim_jax.commands import help_text, parse
from deepsim_jax.errors import UserError, one_line
from deepsim_jax.systems.contract import Verb
from deepsim_jax.version import __version__


def main(argv: Sequence[str], verb: Verb | None = None) -> int:
    """Does what a command line asks for and returns the exit code.

    Args:
      argv: with the program's name first.
      verb: the only one that the program has; None: the one that the command line names.
    """
    if list(argv[1:]) == ["--version"]:
        print(f"deepsim_jax {__version__}")
        return 0
    try:
        request = parse.read_own_request(argv, verb) if verb else parse.read_request(argv)
        if request.wants_help:
            print(
                help_text.verb_help(request.offers, request.usage, request.config)
                if request.verb
                else help_text.overview()
            )
            return 0
        offer, call = parse.read_call(request)
    except UserError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    # Imported here, as all that brings jax: help and a mistyped flag are answered at once.
    from deepsim_jax.commands import console, invoke

    console.start()
    return console.guard(lambda: invoke.invoke(offer, call))


def run():
    """Entry point of the `deepsim_jax` console script."""
    hugepages.restart()
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
