"""One thing after the other: the newest wins, what nobody waits for is not done, the line is bounded."""

import threading
import time

import pytest

from deepsim_jax.editor.worker import Bell, Busy, Superseded, Unwanted, Worker


@pytest.fixture
def worker():
    worker = Worker(most=5)
    yield worker
    assert worker.stop(300)


@pytest.fixture
def held(worker):
    """The worker's thread waits until this is set."""
    event, begun = threading.Event(), threading.Event()
    worker.submit(lambda: (begun.set(), event.wait(300)))
    assert begun.wait(300)
    yield event
    event.set()


def test_results_and_errors_come_back(worker):
    assert worker.submit(lambda: threading.current_thread().name).result(300) == "editor"
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 / 0).result(300)


def test_of_a_kind_the_newest_is_done_and_older_ones_are_told(worker, held):
    done = []
    older = worker.submit(lambda: done.append("older"), kind="preview")
    other = worker.submit(lambda: done.append("other"), kind="else")
    newest = worker.submit(lambda: done.append("newest"), kind="preview")
    with pytest.raises(Superseded):
        older.result(300)  # before the newer one is begun
    held.set()
    newest.result(300)
    assert done == ["other", "newest"] and other.done()


def test_what_nobody_waits_for_is_not_done(worker, held):
    done = []
    gone = worker.submit(lambda: done.append("gone"))
    assert gone.cancel()
    stays = worker.submit(lambda: done.append("stays"))
    held.set()
    stays.result(300)
    assert done == ["stays"]


def test_the_line_is_bounded_and_cancelled_ones_leave_it(worker, held):
    waiting = [worker.submit(int) for _ in range(5)]
    with pytest.raises(Busy, match="try again"):
        worker.submit(int)
    waiting[0].cancel()
    assert worker.submit(int) is not None


def test_others_give_way(worker, held):
    ways = []
    thread = threading.Thread(target=lambda: ways.append(worker.give_way(300)))
    thread.start()
    thread.join(0.1)
    assert not ways
    held.set()
    thread.join(300)
    assert ways and not thread.is_alive()
    event = threading.Event()
    running = worker.submit(lambda: event.wait(300))
    begun = time.monotonic()
    worker.give_way(0.05)  # so long at most
    assert time.monotonic() - begun > 0.04 and not running.done()
    event.set()


def test_a_stopped_worker_does_nothing_more():
    worker = Worker()
    event = threading.Event()
    running = worker.submit(lambda: event.wait(300))
    waiting = worker.submit(int)
    threading.Timer(0.05, event.set).start()
    assert worker.stop(300) and running.done() and waiting.cancelled()
    with pytest.raises(Busy):
        worker.submit(int)


class Long:
    """Something in parts, each of which is made when the test says so."""

    def __init__(self, worker):
        self._worker, self._next = worker, threading.Semaphore(0)
        self.made, self._reached = 0, threading.Semaphore(0)

    def __call__(self):
        while self.made < 3:
            self._reached.release()
            assert self._next.acquire(timeout=300)
            self.made += 1
            self._worker.checkpoint()
        return "all"

    def reached(self):
        """Waits until the next part is begun."""
        assert self._reached.acquire(timeout=300)

    def go_on(self):
        self._next.release()


def test_between_the_parts_of_one_thing_another_one_has_its_turn(worker):
    long = Long(worker)
    all_of_it = worker.submit(long, of="one")
    long.reached()
    same, other, third = (worker.submit(lambda of=of: of, of=of) for of in ("one", "other", "third"))
    long.go_on()
    assert other.result(300) == "other"
    long.reached()
    assert not same.done() and not third.done() and not all_of_it.done() and long.made == 1
    for _ in range(2):
        long.go_on()
    assert third.result(300) == "third" and all_of_it.result(300) == "all"
    assert same.result(300) == "one"


def test_what_is_given_up_ends_after_its_part(worker):
    long, again = Long(worker), Long(worker)
    given_up = worker.submit(long, of="one")
    long.reached()
    worker.give_up(given_up)
    long.go_on()
    with pytest.raises(Unwanted):
        given_up.result(300)
    older = worker.submit(again, kind="preview", of="one")
    again.reached()
    newer = worker.submit(lambda: "newer", kind="preview", of="one")
    again.go_on()
    with pytest.raises(Superseded):
        older.result(300)
    assert newer.result(300) == "newer" and long.made == again.made == 1


def test_what_was_given_up_while_another_thing_is_done_holds_nobody_up(worker):
    long, nested = Long(worker), Long(worker)
    given_up = worker.submit(long, of="one")
    long.reached()
    inner = worker.submit(nested, of="other")
    long.go_on()
    nested.reached()
    worker.give_up(given_up)
    newer = worker.submit(lambda: "newer", of="one")
    nested.go_on()
    assert newer.result(300) == "newer" and not given_up.done()
    for _ in range(2):
        nested.go_on()
    assert inner.result(300) == "all" and long.made == 1
    with pytest.raises(Unwanted):
        given_up.result(300)


def test_what_was_begun_ends_after_its_part_when_the_worker_stops():
    worker = Worker()
    long = Long(worker)
    begun = worker.submit(long)
    long.reached()
    assert not worker.stop(0)
    long.go_on()
    with pytest.raises(Unwanted):
        begun.result(300)
    assert worker.stop(300) and long.made == 1


def test_a_bell_wakes_once_and_can_be_told_off():
    bell, rung = Bell(), []
    bell.call_once(lambda: rung.append("first"))
    forget = bell.call_once(lambda: rung.append("second"))
    forget()
    bell.ring()
    bell.ring()
    assert rung == ["first"] and bell.count == 2
