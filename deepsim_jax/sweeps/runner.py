"""The loop over many trainings: makes the remaining cells one by one, and can be stopped anywhere.

A sweep is a folder with a record of its settings and a cell's folder for each training. A sweep that was
killed goes on where it was: finished cells are left alone, a half-trained one goes on.
"""

import dataclasses
import json
import logging
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tqdm.auto

from deepsim_jax.errors import UserError, one_line
from deepsim_jax.images import io as image_io
from deepsim_jax.runtime import compilation

log = logging.getLogger("deepsim_jax")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training of a sweep, with what is measured of it.

    Attributes:
      name: for messages.
      make: makes it, or goes on with it; False if it was stopped.
      fail: keeps what a failure said; the sweep goes on with the next cell.
    """

    name: str
    make: Callable[[], bool]
    fail: Callable[[Exception], None]


def make_all(
    cells: Iterable[Cell],
    *,
    noun: str,
    sweep: str,
    after_each: Callable[[], Any],
    forgiven: type[Exception] | tuple[type[Exception], ...] = UserError,
) -> bool:
    """Makes cells one after the other.

    Args:
      cells: the cells that remain to be made, in order.
      noun: what a message calls a cell, e.g. "photo".
      sweep: what it calls the whole, e.g. "album".
      after_each: writes the sweep's records, after every cell.
      forgiven: the errors that are a cell's failure and do not end the sweep.

    Returns:
      Whether all were made; False if one was stopped.
    """
    cells, begun = list(cells), time.monotonic()
    for number, cell in enumerate(cells):
        seconds_per_cell = (time.monotonic() - begun) / max(number, 1)
        time_left = (
            f", {tqdm.tqdm.format_interval(seconds_per_cell * (len(cells) - number))} left"
            if number
            else ""
        )
        log.info("%s %d of %d: %s%s", noun, number + 1, len(cells), cell.name, time_left)
        try:
            finished = cell.make()
        except forgiven as error:
            log.warning("%s: failed: %s", cell.name, one_line(error))
            cell.fail(error)
            finished = True
        after_each()
        # The next one's programs have other shapes; memory would grow with every cell.
        compilation.forget_programs()
        if not finished:
            log.warning("stopped; the same command continues the %s", sweep)
            return False
    return True


def claim(
    path: pathlib.Path,
    record: Mapping[str, Any],
    compare: Callable[[dict, dict], list[str]],
    *,
    sweep: str,
) -> None:
    """Makes a folder this sweep's, or checks that it is: its cells must not mix settings.

    Args:
      path: of the record, in the sweep's folder.
      record: JSON values that say what the sweep is of.
      compare: (stored, own) -> what differs, in words.
      sweep: what a message calls the whole, e.g. "table".

    Raises:
      UserError: the folder holds another sweep, or its record is damaged.
    """
    own = json.loads(json.dumps(dict(record)))
    if path.is_file():
        try:
            stored = dict(json.loads(path.read_text(encoding="utf-8")))
            differing = compare(stored, own)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}: damaged ({error}); delete it and start the {sweep} again"
            ) from error
        if differing:
            raise UserError(
                f"{path.parent}: holds a {sweep} with other settings ({'; '.join(differing)}); "
                "choose another workdir or repeat the old settings"
            )
    image_io.write_bytes_atomic(path, json.dumps(own, indent=1).encode())
