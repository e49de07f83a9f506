"""What the browser keeps of the editor's promises, and what pages of others cannot do.

The numbers are those of docs/editor-security.md.
"""

import contextlib
import http.server
import shutil
import threading
import urllib.parse

import pytest


@contextlib.contextmanager
def site(pages, host="127.0.0.1"):
    """Another site: path -> HTML; the address it is served at."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = pages.get(self.path.split("?")[0])
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((content or "").encode())

        def log_message(self, *args):
            pass

    served = http.server.ThreadingHTTPServer((host, 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{served.server_port}"
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


@pytest.fixture
def stranger(browser):
    """A window of another page, with nothing expected of it."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_6_the_token_leaves_the_address_and_stays_in_this_tab(visit, server):
    editor = visit()
    token = server.url.partition("token=")[2].partition("&")[0]
    assert token and token not in editor.page.url
    assert editor.page.evaluate("sessionStorage.getItem('editor-token')") == token
    assert editor.page.evaluate("document.cookie") == "" and editor.context.cookies() == []
    stored = editor.page.evaluate("Object.values(localStorage).join()")
    assert token not in stored
    assert token not in editor.page.content()


def test_6_requests_carry_the_token_in_a_header_alone(visit, server):
    seen = []
    editor = visit()
    editor.page.on("request", lambda request: seen.append((request.url, request.all_headers())))
    token = server.url.partition("token=")[2].partition("&")[0]
    editor.page.reload()
    editor.page.locator(".drop").wait_for()
    asked = [(url, headers) for url, headers in seen if "/api/" in url]
    assert asked and all(headers["authorization"] == f"Bearer {token}" for _, headers in asked)
    assert not any(token in url or token in headers.get("referer", "") for url, headers in seen)


def test_6_without_the_token_the_page_says_what_to_do(visit, server):
    window = visit(url=server.url.partition("#")[0], expected={"401"})
    window.page.get_by_text("Open the address that it printed").wait_for()


def test_9_a_rebound_name_gets_nothing(browser, server):
    port = urllib.parse.urlsplit(server.url).port
    rebound = browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=[
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP rebound.test 127.0.0.1",
        ],
    )
    try:
        page = rebound.new_page()
        answer = page.goto(f"http://rebound.test:{port}/")
        assert answer.status == 421
        assert page.evaluate("fetch('/api/state').then((answer) => answer.status)") == 421
    finally:
        rebound.close()


HOSTILE = """<!doctype html><title>hostile</title><pre id="log"></pre>
<img id="image" src="{target}/api/state" alt="">
<iframe id="framed" src="{target}/"></iframe>
<iframe sandbox="allow-scripts" id="sandboxed" srcdoc="&lt;script&gt;
  fetch('{target}/api/workspaces?name=x', {{ method: 'POST', body: 'x' }})
    .then((answer) =&gt; parent.postMessage('sandbox ' + answer.status, '*'),
          () =&gt; parent.postMessage('sandbox refused', '*'));
&lt;/script&gt;"></iframe>
<form id="form" method="post" action="{target}/api/workspaces?name=x" target="answer"
enctype="text/plain"><input name="a" value="b"></form><iframe name="answer" id="answer"></iframe>
<script>
  const say = (text) => {{ document.getElementById('log').textContent += text + '\\n'; }};
  window.addEventListener('message', (event) => say(event.data));
  const attempt = (name, ...request) => fetch(...request).then(
    async (answer) => say(name + ' ' + answer.type + ' ' + answer.status), () => say(name + ' refused'));
  Promise.all([
    attempt('post', '{target}/api/workspaces?name=x', {{ method: 'POST', body: 'x' }}),
    attempt('blind', '{target}/api/workspaces?name=x', {{ method: 'POST', body: 'x', mode: 'no-cors' }}),
    attempt('get', '{target}/api/state'),
    attempt('put', '{target}/api/state', {{ method: 'PUT', body: '{{}}' }}),
  ]).then(() => {{ document.getElementById('form').submit(); say('done'); }});
</script>"""


def test_10_a_hostile_page_reads_and_changes_nothing(stranger, server, visit):
    target = server.url.partition("/#")[0]
    answers = []
    stranger.on(
        "response",
        lambda answer: (
            answers.append((answer.status, answer.url)) if answer.url.startswith(target) else None
        ),
    )
    with site({"/": HOSTILE.format(target=target)}) as address:
        stranger.goto(address.replace("127.0.0.1", "localhost") + "/")
        stranger.get_by_text("done").wait_for()
        stranger.get_by_text("sandbox").wait_for()
        stranger.wait_for_timeout(300)
        log = stranger.locator("#log").inner_text()
    assert "post refused" in log and "get refused" in log and "put refused" in log
    assert "sandbox refused" in log
    assert stranger.locator("#image").evaluate("(one) => one.naturalWidth") == 0
    assert answers and not [answer for answer in answers if answer[0] < 400], answers
    assert not visit().page.locator(".work", has_text="x").count()


def test_11_nothing_violates_the_content_policy(editor):
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    editor.rests()
    for name in ("All keys", "Make a film"):
        editor.button(name).click()
        editor.page.get_by_role("dialog").wait_for()
        editor.press("Escape")
        editor.page.get_by_role("dialog").wait_for(state="detached")
    assert editor.page.evaluate("window.reports") == []
    policy = editor.page.request.get(editor.page.url).headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    html = editor.page.request.get(editor.page.url).text()
    assert "style=" not in html and "<style" not in html and "onload" not in html
    assert html.count("<script") == html.count('<script type="module" src=')


def test_11_an_injected_script_does_not_run(visit):
    editor = visit()
    editor.expected |= {"policy:", "Content Security Policy"}
    editor.page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.hit = 1';"
        " document.body.append(one); document.body.insertAdjacentHTML('beforeend',"
        " '<img src=x onerror=\"window.hit = 2\">'); }"
    )
    editor.page.wait_for_timeout(300)
    assert editor.page.evaluate("window.hit") is None
    assert "script-src-elem" in editor.page.evaluate("window.reports")
    editor.problems = [one for one in editor.problems if "404" not in one]


def test_19_a_name_is_shown_as_text(visit, cat_file):
    editor = visit()
    editor.drop(cat_file, name="<img src=x onerror='window.hit=1'>.png")
    editor.rests()
    assert "<img" in editor.page.locator("h1").inner_text()
    assert editor.page.locator("h1 img").count() == 0
    assert editor.page.evaluate("window.hit") is None
    editor.button("Open another photo, or other work").click()
    editor.page.locator(".work", has_text="onerror").wait_for()
    assert editor.page.locator(".work img").count() == 0
    assert editor.page.evaluate("window.hit") is None


def test_24_a_link_from_another_site_opens_the_editor(stranger, server):
    with site({"/": f'<a id="link" href="{server.url}">open</a>'}) as address:
        stranger.goto(address.replace("127.0.0.1", "localhost") + "/")
        stranger.locator("#link").click()
        stranger.get_by_text("Open a photo", exact=True).wait_for()
    assert "token" not in stranger.url
