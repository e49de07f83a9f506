"""A search that waits until somebody looks: strokes are quick, what they ask for takes a while."""

import functools
from collections.abc import Callable
from typing import Any

from deepsim_jax.systems.contract import Progress
from deepsim_jax.systems.igan import editing


def _tell_all(progress, before, searches, step, of):
    """Tells how far several searches of equal length are, of which one is this far."""
    progress(before * of + step, searches * of)


class Later:
    """A search that is made when it is first needed, once, of the one that it goes on from."""

    def __init__(self, make: Callable[[Any, Progress], editing.Search], before: "Later | None" = None):
        """`make` takes the value of the one before, or None, and is told whom to tell how far it is."""
        self._make, self._before = make, before
        self._made: editing.Search | None = None

    @property
    def is_made(self) -> bool:
        """Whether `value` only has to be looked at."""
        return self._made is not None

    def newest_made(self) -> "Later | None":
        """The last one on the way to this that is made; None where none is."""
        one: Later | None = self
        while one is not None and not one.is_made:
            one = one._before
        return one

    def value(self, progress: Progress) -> editing.Search:
        """It; those before it are made first, one by one: hundreds of nested calls would be too deep.

        What `progress` raises ends it; those that are made by then stay.
        """
        waiting, one = [self], self._before
        while one is not None and waiting[-1]._made is None:
            waiting.append(one)
            one = one._before
        searches = sum(each._made is None and each._before is not None for each in waiting)
        found, before = None, 0
        for each in reversed(waiting):
            if each._made is None:
                part = functools.partial(_tell_all, progress, before, searches)
                before += each._before is not None
                each._made, each._before = each._make(found, part), None
            found = each._made
        assert found is not None
        return found
