"""Requests that go on at once, are given up, or wait."""

import concurrent.futures
import socket
import threading
import time

import pytest

from deepsim_jax.editor import answering

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


@pytest.fixture
def release(served):
    """The worker is held until this is set."""
    event, begun = threading.Event(), threading.Event()
    served._desk.worker.submit(lambda: begun.set() or event.wait(600))
    assert begun.wait(600)
    yield event
    event.set()


def preview(client, address, number, **more):
    """The status of a POST of the preview of another action."""
    asked = {"document": 1, "action": {**MOVE, "by": [number / 10, 1]}, "sequence": number, **more}
    return client.post(f"{address}/preview", json=asked).status_code


def test_of_a_hundred_posts_at_once_the_newest_wins(served, release, client, address):
    with concurrent.futures.ThreadPoolExecutor(101) as pool:
        answers = [pool.submit(preview, client, address, number) for number in range(100)]
        older = concurrent.futures.as_completed(answers)
        found = [next(older).result() for _ in range(99)]  # nothing is done yet: the worker is held
        assert set(found) <= {409, 429} and 409 in found
        newest = pool.submit(preview, client, address, 100)
        last = next(older).result()
        assert last == 409 and len(served._desk.worker._line) == 1
        release.set()
        assert newest.result() == 200


def test_a_hundred_posts_that_wait_are_bounded(served, release, client, address):
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(preview, client, address, n, tab=str(n)) for n in range(100)]
        done = concurrent.futures.as_completed(answers)
        assert [next(done).result() for _ in range(36)] == [429] * 36
        assert len(served._desk.worker._line) <= 64
        release.set()
        assert [answer.result() for answer in done] == [200] * 64


@pytest.mark.parametrize("name", ["result", "mismatch", "changed"])
def test_the_newest_of_a_tab_wins_and_who_names_no_tab_is_answered(served, client, address, name):
    release, line = threading.Event(), served._desk.worker._line
    served._desk.worker.submit(lambda: release.wait(600))
    end = time.monotonic() + 300
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        answers = []
        for query, waiting in (("?tab=a", 1), ("?tab=b", 2), ("", 3), ("", 4), ("?tab=a", 4)):
            before = line[-1] if line else None
            answers.append(pool.submit(client.get, f"{address}/{name}{query}"))
            while not line or line[-1] is before or len(line) != waiting:
                assert time.monotonic() < end
                time.sleep(0.01)
        release.set()
        found = [answer.result().status_code for answer in answers]
    assert found == [409, 200, 200, 200, 200]
    assert answers[0].result().json()["superseded"]


@pytest.mark.parametrize("what", ["GET result", "POST preview"])
def test_whoever_hangs_up_frees_the_worker(served, client, address, what):
    begun, release, done = threading.Event(), threading.Event(), []
    served._desk.worker.submit(lambda: begun.set() or release.wait(600))
    assert begun.wait(600)
    method, name = what.split()
    head = (
        f"{method} {address}/{name} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Origin: http://127.0.0.1:{served.port}\r\nAuthorization: Bearer {client.token}\r\n"
    )
    if method == "POST":
        head += "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    else:
        head += "\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head.encode())
        line = served._desk.worker._line
        end = time.monotonic() + 300
        while not line and time.monotonic() < end:
            time.sleep(0.01)
        assert line
        task = line[0]
    while not task.future.cancelled() and time.monotonic() < end:
        time.sleep(0.01)
    assert task.future.cancelled()
    release.set()
    served._desk.worker.submit(lambda: done.append(1)).result(300)
    assert done


def test_long_polls_end_when_something_changes_or_after_a_while(client, address, monkeypatch):
    monkeypatch.setattr(answering, "POLL", 0.2)
    assert client.get(f"{address}/training").json()["state"] == "none"
    begun = time.monotonic()
    assert client.get(f"{address}/training?since=0").json()["since"] == 0
    assert time.monotonic() - begun >= 0.2
    monkeypatch.setattr(answering, "POLL", 10**6)
    told = client.get(f"{address}/training?since=7", timeout=60).json()
    assert told["since"] == 0, "a page that outlived a server is told at once"
    assert client.get(f"{address}/training/preview?step=1").status_code == 404
    for asked in ({"do": "dance"}, {"do": "pause"}, {"do": "start", "values": {"train.steps": "x"}}):
        assert client.post(f"{address}/training", json=asked).status_code == 400
