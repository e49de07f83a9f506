"""The one thread that computes: requests wait in a line, newer ones take older ones' places.

What takes long calls `Worker.checkpoint` between its parts. There it ends if it is not wanted any more,
or one thing of somebody else is done before it goes on.
"""

import collections
import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any


class Superseded(Exception):
    """A newer request of the same kind came before this one was begun, or reached its next checkpoint."""


class Unwanted(Exception):
    """What was being done was given up at a checkpoint."""


class Busy(Exception):
    """Too much is waiting."""


@dataclasses.dataclass(eq=False)
class _Task:
    do: Callable[[], Any]
    kind: Hashable
    of: Hashable
    future: concurrent.futures.Future
    ended: Exception | None = None  # raised at its next checkpoint


class Worker:
    """Does one thing after the other in a thread of its own."""

    def __init__(self, *, most: int = 64):
        """Begins to wait for something to do.

        Args:
          most: how much may wait.
        """
        self._most, self._line = most, collections.deque[_Task]()
        self._changed = threading.Condition()
        self._stopped = False
        self._doing: list[_Task] = []  # each was begun at a checkpoint of the one before
        self._thread = threading.Thread(target=self._work, name="editor", daemon=True)
        self._thread.start()

    def submit(
        self, do: Callable[[], Any], *, kind: Hashable = None, of: Hashable = None
    ) -> concurrent.futures.Future:
        """Lets it be done, and returns the future of its result, which may be cancelled.

        Args:
          do: what.
          kind: of those of a kind only the newest is done, the others raise `Superseded`.
          of: what it belongs to; things of one are never done while another one is at a checkpoint.

        Raises:
          Busy: too much waits, or the worker was stopped.
        """
        future: concurrent.futures.Future = concurrent.futures.Future()
        with self._changed:
            older = [task for task in self._line if kind is not None and task.kind == kind]
            for task in older:
                self._line.remove(task)
            gone = [task for task in self._line if task.future.cancelled()]
            for task in gone:
                self._line.remove(task)
            if self._stopped or len(self._line) >= self._most:
                raise Busy("too much is waiting; try again in a moment")
            for task in self._doing:
                if kind is not None and task.kind == kind:
                    task.ended = Superseded("a newer request came")
            self._line.append(_Task(do, kind, of, future))
            self._changed.notify_all()
        for task in older:
            if task.future.set_running_or_notify_cancel():
                task.future.set_exception(Superseded("a newer request came"))
        return future

    def give_up(self, future: concurrent.futures.Future) -> None:
        """Lets what is not wanted any more not be begun, or end at its next checkpoint."""
        if future.cancel():
            return
        with self._changed:
            for task in self._doing:
                if task.future is future:
                    task.ended = Unwanted("nobody waits for it any more")

    def checkpoint(self) -> None:
        """Called by what is being done, between its parts: another thing that waits may be done first.

        Raises:
          Superseded, Unwanted: it is not wanted any more.
        """
        assert threading.current_thread() is self._thread
        with self._changed:
            self._raise_ended()
            other = self._take()
        if other is not None:
            self._do(other)
            with self._changed:
                self._raise_ended()

    def give_way(self, seconds: float) -> None:
        """Waits in another thread until nothing is to be done, at most so long."""
        end = time.monotonic() + seconds
        with self._changed:
            while (self._line or self._doing) and not self._stopped:
                left = end - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def stop(self, seconds: float = 1.0) -> bool:
        """Ends after what is being done, or a part of it; what waits is cancelled. Whether in time."""
        with self._changed:
            self._stopped = True
            for task in self._line:
                task.future.cancel()
            self._line.clear()
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self):
        while True:
            with self._changed:
                while (task := self._take()) is None and not self._stopped:
                    self._changed.wait()
            if task is None:
                return
            self._do(task)
            del task

    def _take(self) -> _Task | None:
        """The first that may be done now, out of the line."""
        held = {task.of for task in self._doing if task.ended is None} - {None}
        for task in self._line:
            if task.of not in held:
                self._line.remove(task)
                self._doing.append(task)
                return task
        return None

    def _do(self, task):
        if task.future.set_running_or_notify_cancel():
            try:
                result = task.do()
            except BaseException as error:  # goes to whoever waits for it, in another thread
                task.future.set_exception(error)
            else:
                task.future.set_result(result)
        with self._changed:
            self._doing.remove(task)
            self._changed.notify_all()

    def _raise_ended(self):
        if self._stopped:
            raise Unwanted("the editor was ended")
        if (ended := self._doing[-1].ended) is not None:
            raise ended


class Bell:
    """Wakes those that wait for something to change; may be rung from any thread."""

    def __init__(self):
        """Nothing has changed yet."""
        self._changed, self._count = threading.Condition(), 0
        self._waiters: set[Callable[[], None]] = set()

    @property
    def count(self) -> int:
        """How often it rang."""
        return self._count

    def ring(self) -> None:
        """Something has changed."""
        with self._changed:
            self._count += 1
            waiters, self._waiters = self._waiters, set()
        for wake in waiters:
            wake()

    def call_once(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Calls a function, in some thread, when it rings next; what is returned calls that off."""
        with self._changed:
            self._waiters.add(wake)
        return lambda: self._waiters.discard(wake)
