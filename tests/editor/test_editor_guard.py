"""Who may ask what: the security lines about hosts, origins, tokens and bodies, on a real server."""

import asyncio
import json
import re
import socket
import time

import pytest

from deepsim_jax.editor import guard

POST = "POST /api/workspaces HTTP/1.1"


def raw(served, *lines, body=b"", pause=0.0):
    """The status and text that the server answers to a request, byte for byte."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=300) as connection:
        head = "\r\n".join(lines) + "\r\n\r\n"
        connection.sendall(head.encode("latin-1") + body)
        time.sleep(pause)
        answer = b""
        while True:
            part = connection.recv(65536)
            answer += part
            if not part or b"\r\n0\r\n" in answer:
                break
            found = re.search(rb"content-length: (\d+)", answer)
            if found and len(answer.partition(b"\r\n\r\n")[2]) >= int(found[1]):
                break
    return int(answer.split()[1]), answer.decode("latin-1")


@pytest.fixture
def ask(served, client):
    """Lines of headers -> the status of a GET of the state with the token."""

    def asked(*headers, first="GET /api/state HTTP/1.1", host=True, body=b""):
        lines = [first] + [f"Host: 127.0.0.1:{served.port}"] * host
        return raw(served, *lines, f"Authorization: Bearer {client.token}", *headers, body=body)[0]

    return asked


def test_only_the_editors_own_name_is_answered(served, ask):
    port = served.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        assert ask(f"Host: {host}", host=False) == 200
    for host in (
        "127.0.0.1",
        f"evil.example:{port}",
        "localhost:1",
        f"127.0.0.1:{port}.evil.example",
        f"localhost:{port}@evil.example",
        "",
    ):
        assert ask(f"Host: {host}", host=False) == 421, host
    assert ask(f"Host: localhost:{port}", f"Host: localhost:{port}", host=False) in (400, 421)
    assert ask(host=False) in (400, 421)
    forwarded = ["X-Forwarded-Host: evil.example", "X-Forwarded-For: 1.2.3.4", "Forwarded: host=a"]
    assert ask(*forwarded) == 200
    assert ask("Host: evil.example", f"X-Forwarded-Host: localhost:{port}", host=False) == 421


@pytest.mark.parametrize(
    "name",
    [
        "../guard.py",
        "..%2fguard.py",
        "%2e%2e/guard.py",
        "..%5cguard.py",
        "/etc/passwd",
        "%00",
        "..",
        "C:%5cboot.ini",
    ],
)
@pytest.mark.parametrize(
    "place", ["static/{}", "api/workspaces/{}", "api/workspaces/{}/result", "api/films/{}", "api/runs/{}"]
)
def test_no_name_leads_anywhere_as_it_comes_over_the_wire(ask, place, name):
    # An HTTP client takes ".." out of an address before it sends it.
    assert ask(first=f"GET /{place.format(name)} HTTP/1.1") in (400, 404, 405)


def test_what_changes_something_needs_the_pages_own_origin(served, ask):
    own = f"Origin: http://127.0.0.1:{served.port}"
    for origins, status in (
        ([own], 400),  # let through, and not understood
        ([], 403),
        (["Origin: null"], 403),
        (["Origin: http://evil.example"], 403),
        ([f"Origin: https://127.0.0.1:{served.port}"], 403),
        (["Origin: http://127.0.0.1:1"], 403),
        ([own, own], 403),
    ):
        headers = [*origins, "Content-Type: application/json", "Content-Length: 2"]
        assert ask(*headers, first=POST, body=b"{}") == status, origins
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        status = ask("Origin: null", first=f"{method} /api/workspaces HTTP/1.1")
        assert status in (403, 405), method
    assert ask("Origin: http://evil.example") == 403  # a GET of another page's script


def test_the_browsers_word_about_where_a_request_comes_from_counts(served, ask):
    for site in ("cross-site", "same-site"):
        assert ask(f"Sec-Fetch-Site: {site}") == 403
    for site in ("same-origin", "none"):
        assert ask(f"Sec-Fetch-Site: {site}") == 200
    visit = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    assert ask(*visit, first="GET / HTTP/1.1") == 200
    assert ask(*visit, first="GET /api/state HTTP/1.1") == 403
    framed = [*visit[:2], "Sec-Fetch-Dest: iframe"]
    assert ask(*framed, first="GET / HTTP/1.1") == 403


def test_the_token_is_needed_and_only_in_its_header(served, client):
    host = f"Host: 127.0.0.1:{served.port}"
    for header in (
        "X: y",
        "Authorization: Bearer wrong",
        f"Authorization: Basic {client.token}",
        f"Authorization: Bearer {client.token}x",
        f"Authorization: bearer {client.token}",
        f"Cookie: token={client.token}",
    ):
        assert raw(served, "GET /api/state HTTP/1.1", host, header)[0] == 401, header
    assert raw(served, f"GET /api/state?token={client.token} HTTP/1.1", host)[0] == 401
    twice = [f"Authorization: Bearer {client.token}"] * 2
    assert raw(served, "GET /api/state HTTP/1.1", host, *twice)[0] in (400, 401)
    assert len(client.token) >= 43


def test_the_token_is_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda *both: compared.append(both) or False)
    access = guard.Access("secret", frozenset({"a:1"}), frozenset())
    scope = {"method": "GET", "path": "/api", "headers": [(b"host", b"a:1")]}
    with pytest.raises(guard.Refused, match="token"):
        guard.Guard(None, access)._check(scope)
    assert compared == [(b"", b"Bearer secret")] and "secret" not in repr(access)


def test_every_answer_carries_the_headers_and_none_of_other_sites(client):
    for path in ("/", "/api/state", "/static/nothing.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer" and headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
        assert not [name for name in headers if name.startswith("access-control-")]
        assert "set-cookie" not in headers and "server" not in headers


def test_nothing_is_ever_redirected(served, client, ask):
    assert ask(first="GET //evil.example HTTP/1.1") == 404
    for path in ("/static", "/api/state/", "/api", "/static/", "/index.html", "/api/"):
        done = client.get(path, follow_redirects=False)
        assert done.status_code == 404 and "location" not in done.headers, path


def test_bodies_that_are_too_large_are_refused_before_they_are_read(served, client):
    common = [
        f"Host: 127.0.0.1:{served.port}",
        f"Origin: http://127.0.0.1:{served.port}",
        f"Authorization: Bearer {client.token}",
    ]
    for kind, length in (("image/png", 64 * 2**20 + 1), ("application/json", 4 * 2**20 + 1)):
        headers = [f"Content-Type: {kind}", f"Content-Length: {length}"]
        status, text = raw(served, POST, *common, *headers)  # no body is sent
        assert status == 413 and "too large" in text
    huge = [*common, "Content-Type: application/json", "Transfer-Encoding: chunked"]
    part = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=300) as connection:
        connection.sendall("\r\n".join([POST, *huge]).encode() + b"\r\n\r\n")
        try:
            for _ in range(64):
                connection.sendall(part)
        except ConnectionError:
            pass  # it has had enough
        assert b" 413 " in connection.recv(100)


def test_slow_bodies_end_in_words():
    async def application(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        await asyncio.sleep(600)

    access = guard.Access("t", frozenset({"a"}), frozenset({"o"}))
    limits = guard.Limits(pause=0.05)
    headers = [(b"host", b"a"), (b"origin", b"o"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": headers}
    asyncio.run(guard.Guard(application, access, limits)(scope, receive, send))
    assert sent[0]["status"] == 408 and b"did not come" in sent[1]["body"]


def test_an_error_in_the_program_is_a_line_without_a_trace(caplog):
    async def application(scope, receive, send):
        raise ZeroDivisionError("the token is t")

    sent = []

    async def send(message):
        sent.append(message)

    access = guard.Access("t", frozenset({"a"}), frozenset())
    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [(b"host", b"a")]}
    asyncio.run(guard.Guard(application, access)(scope, None, send))
    words = json.loads(sent[1]["body"])["error"]
    assert sent[0]["status"] == 400 and words.startswith("something went wrong (ZeroDivisionError)")
    assert "the token is t" not in words
    assert "Traceback" in caplog.text and "/x" in caplog.text


def test_web_sockets_are_closed():
    sent = []

    async def send(message):
        sent.append(message)

    access = guard.Access("t", frozenset(), frozenset())
    asyncio.run(guard.Guard(None, access)({"type": "websocket"}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
