"""One thing after the other: the newest wins, what nobody waits for is not done, the line is bounded."""

import threading
import time

import pytest

from deepsim_jax.editor.worker import Bell, Busy, Superseded, Worker


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


def test_a_bell_wakes_once_and_can_be_told_off():
    bell, rung = Bell(), []
    bell.call_once(lambda: rung.append("first"))
    forget = bell.call_once(lambda: rung.append("second"))
    forget()
    bell.ring()
    bell.ring()
    assert rung == ["first"] and bell.count == 2
