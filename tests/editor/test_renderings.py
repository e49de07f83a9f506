"""Pictures that take long: others have a turn meanwhile, and whoever gives one up loses nothing."""

import concurrent.futures
import socket
import time

import pytest

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}
PATIENCE = 300


@pytest.fixture
def edited(client, photo):
    """A workspace of its own with one edit."""
    workspace = client.opened(photo)
    assert client.act(workspace, MOVE).status_code == 200
    return workspace


@pytest.fixture
def session(served, edited):
    desk, id_ = served._desk, edited["workspace"]
    return desk.worker.submit(lambda: desk.get(id_)).result(PATIENCE).opened.session


@pytest.fixture
def slow(session, slowed):
    return slowed(session, "full")


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        yield pool


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def address_of(workspace):
    return f"/api/workspaces/{workspace['workspace']}"


def test_a_preview_elsewhere_is_answered_before_a_long_picture_is_made(
    served, client, address, edited, slow, pool
):
    of = address_of(edited)
    assert client.get(f"{of}/progress").json() == {"done": None, "total": None}
    result = pool.submit(client.get, f"{of}/result")
    slow.reached()
    preview = pool.submit(client.post, f"{address}/preview", json={"action": MOVE})
    until(lambda: served._desk.worker._line)
    slow.go_on()
    assert preview.result(PATIENCE).status_code == 200
    slow.reached()
    assert not result.done() and slow.made == 1
    assert client.get(f"{of}/progress").json() == {"done": 1, "total": 3}
    slow.go_on(2)
    assert result.result(PATIENCE).status_code == 200
    assert client.get(f"{of}/progress").json() == {"done": None, "total": None}
    assert client.get("/api/workspaces/0000000000000000/progress").status_code == 404


def test_whoever_hangs_up_ends_it_after_its_part_and_the_document_stays(served, client, edited, slow):
    of, worker = address_of(edited), served._desk.worker
    before = client.get(of).json()["history"]
    head = (
        f"GET {of}/result HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Authorization: Bearer {client.token}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head.encode())
        slow.reached()
    until(lambda: worker._doing[0].ended)
    slow.go_on()
    assert client.get(of).json()["history"] == before and slow.made == 1
    assert client.get(f"{of}/progress").json() == {"done": None, "total": None}
    slow.is_held = False
    assert client.get(f"{of}/result").status_code == 200


def test_a_newer_request_of_a_tab_ends_an_older_one_after_its_part(served, client, edited, slow, pool):
    of = address_of(edited)
    older = pool.submit(client.get, f"{of}/result?tab=a")
    slow.reached()
    newer = pool.submit(client.get, f"{of}/result?tab=a&document=1")
    until(lambda: served._desk.worker._line)
    slow.is_held = False
    slow.go_on()
    assert older.result(PATIENCE).status_code == 409 and older.result().json()["superseded"]
    assert newer.result(PATIENCE).headers["Document"] == "1" and slow.made == 1


def test_a_film_is_given_up_between_the_parts_of_a_picture(client, edited, slow):
    asked = {"documents": [2], "format": "gif"}
    job = client.post(f"{address_of(edited)}/film", json=asked).json()["job"]
    slow.reached()
    slow.go_on()
    slow.reached()
    told = client.get(f"/api/jobs/{job}").json()
    assert (told["state"], told["done"], told["total"]) == ("running", 1, 3)
    assert client.delete(f"/api/jobs/{job}").status_code == 200
    slow.go_on()
    while told["state"] == "running":
        told = client.get(f"/api/jobs/{job}?since={told['since']}").json()
    assert told["state"] == "cancelled" and slow.made == 2


def test_a_list_does_not_wait_for_pictures_that_take_long(client, edited, slow, session):
    session.__class__ = type("Undrawn", (type(session),), {"drawing": None})
    slow.is_held, of = False, address_of(edited)
    assert client.get(f"{of}/thumbnail?document=1").status_code == 200, "nothing is changed in it"
    assert client.get(f"{of}/thumbnail").status_code == 204
    assert client.post(f"{of}/preview", json={}).status_code == 200
    assert client.get(f"{of}/thumbnail").content[:4] == b"RIFF"
