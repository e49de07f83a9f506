"""Requests that go on at once, are given up, or wait."""

import concurrent.futures
import socket
import threading
import time

import pytest

from deepsim_jax.editor import answering

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


def test_a_hundred_posts_at_once_are_bounded_and_the_newest_wins(served, client_of, client, address):
    id_ = client.get(address).json()["history"]["documents"][0]["id"]

    def post(number):
        action = {**MOVE, "by": [number / 10, 1]}
        asked = {"document": id_, "action": action, "sequence": number}
        return client.post(f"{address}/preview", json=asked).status_code

    release = threading.Event()
    served._desk.worker.submit(lambda: release.wait(600))
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(post, number) for number in range(100)]
        next(concurrent.futures.as_completed(answers))  # while the worker is held: none is done yet
        release.set()
        found = [answer.result() for answer in answers]
    assert set(found) <= {200, 409, 429} and 200 in found and 409 in found
    assert post(200) == 200


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
    assert client.get(f"{address}/training/preview?step=1").status_code == 404
    for asked in ({"do": "dance"}, {"do": "pause"}, {"do": "start", "values": {"train.steps": "x"}}):
        assert client.post(f"{address}/training", json=asked).status_code == 400
