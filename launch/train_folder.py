"""Trains a network for every photo of a folder, one after the other, on this machine.

    python launch/train_folder.py --input=photos/ --workdir=runs/album --config=quickstart \\
        [--config.train.steps=1000 ...] [--extend]

The runs are `runs/album/<file name>/`, the summary is `runs/album/album.json`. The same command goes on
with what is not trained yet. Exit code: 0 all trained, 1 some failed, 2 wrong usage, 130 stopped.
`ray_folder.py` beside it does the same with many workers, GPUs and machines.
"""

import argparse
import sys

from deepsim_jax import folder, hugepages
from deepsim_jax.errors import UserError


def parser(about: str) -> argparse.ArgumentParser:
    """What both ways to train a folder are given."""
    flags = argparse.ArgumentParser(description=about, allow_abbrev=False,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--input", required=True, help="folder of the photos")
    flags.add_argument("--workdir", required=True, help="folder for their networks")
    flags.add_argument("--config", default="quickstart",
                       help="name or path of a config, with an option after a colon; single keys are "
                       "set with --config.section.key=value")
    flags.add_argument("--extend", action="store_true",
                       help="let existing runs go on to a larger train.steps")
    return flags


def parse(flags: argparse.ArgumentParser, arguments: list[str]):
    """(flags, config with the changes that --config.section.key=value make).

    Raises:
      UserError: an unusable config.
    """
    given, changes = [], {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key.startswith("--config."):
            if not equals:
                raise UserError(f"{argument}: give a value, {key}=...")
            changes[key.removeprefix("--config.")] = value
        else:
            given.append(argument)
    found = flags.parse_args(given)
    return found, folder.choose_config(found.config, changes)


def run(main):
    """Calls `main` with the command line, prints the summary that it returns, and exits."""
    folder.start_console()
    try:
        summary = main(sys.argv[1:])
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    print(folder.describe(summary))
    sys.exit(folder.exit_code(summary))


def main(arguments: list[str]) -> dict:
    """Trains the folder; returns its summary."""
    flags, config = parse(parser(__doc__), arguments)
    return folder.train_folder(flags.input, flags.workdir, config, extend=flags.extend)


if __name__ == "__main__":
    hugepages.restart()
    run(main)
