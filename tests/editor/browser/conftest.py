"""An editor that is served, and a browser that looks at it.

Needs Debian's chromium (`apt-get install chromium`) and playwright's Python package, not its browsers. A
missing browser fails the tests; it does not skip them.
"""

import base64
import pathlib
import re
import shutil
import urllib.parse

import cv2
import numpy as np
import pytest
import skimage.data

from deepsim_jax.editor import serving

SIDE = 96  # px of the longer side of the test's photo
PATIENCE = 180_000  # ms for what a test waits for; on a busy machine all takes many times as long


def pytest_collection_modifyitems(items):
    for item in items:
        if pathlib.Path(__file__).parent in item.path.parents and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.browser)


# Of a module: as long as playwright runs, its loop stands in the way of tests that run one of their own.
@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path, "no chromium: install it (apt-get install --no-install-recommends chromium)"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    """A cat's photo, uint8 (64, 96, 3)."""
    photo = skimage.data.cat()
    height = round(SIDE * photo.shape[0] / photo.shape[1])
    return cv2.resize(photo, (SIDE, height), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="session")
def cat_file(cat, tmp_path_factory) -> pathlib.Path:
    """The cat as a PNG file."""
    path = tmp_path_factory.mktemp("photo") / "cat.png"
    cv2.imwrite(str(path), cat[..., ::-1])
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An editor that is served from a folder of its own."""
    served = serving.serve(tmp_path_factory.mktemp("work"), port=None, open_browser=False)
    yield served
    _end(served)


@pytest.fixture
def serve_from():
    """serve_from(folder, port=None) -> the server of an editor, ended after the test."""
    started = []

    def start(folder, port=None):
        started.append(serving.serve(folder, port=port))
        return started[-1]

    yield start
    for served in started:
        _end(served)


def _end(served):
    """Ends a server, however long what it compiles takes."""
    for _ in range(60):
        if served.stop():
            return
    raise AssertionError("the server does not end")


@pytest.fixture(scope="module")
def open_window(browser, server):
    """Opens the editor in a browser window of its own.

    open_window(url, expected, **options of the window) -> Editor; closed after the module's tests.
    """
    contexts = []

    def opened(url=None, expected=(), **options):
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", **options}
        )
        contexts.append(context)
        return Editor(context, server.url if url is None else url, expected)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def visit(open_window):
    """As `open_window`, for one test.

    At the end, the window must have had no error, no report of the content policy, and no request that
    leaves the machine.
    """
    editors = []

    def opened(*args, **options):
        editors.append(open_window(*args, **options))
        return editors[-1]

    yield opened
    problems = [problem for editor in editors for problem in editor.problems]
    for editor in editors:
        editor.context.close()
    assert not problems, problems


@pytest.fixture
def editor(visit, cat_file):
    """A window with the cat opened."""
    opened = visit()
    opened.pick(cat_file)
    opened.rests()
    return opened


@pytest.fixture(scope="module")
def window(open_window, cat_file):
    """One window with the cat opened, for a module's tests that do not mind each other."""
    opened = open_window()
    opened.pick(cat_file)
    opened.rests()
    return opened


class Editor:
    """A window of the editor, as a person uses it.

    Attributes:
      page: playwright's.
      problems: what must not have happened.
      expected: parts of messages of the console that are no problem.
      answers: (status, method, path) of what the server answered below api/.
    """

    def __init__(self, context, url, expected=()):
        self.context, self.url = context, url
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self.problems, self.answers, self.expected = [], [], set(expected)
        host = urllib.parse.urlsplit(url).netloc
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", lambda request: self._on_request(request, host))
        self.page.on("response", self._on_response)
        # File dialogs are caught as long as one listens; to begin as a key is pressed may be too late.
        self.page.on("filechooser", lambda chooser: None)
        self.page.add_init_script(
            "window.reports = []; document.addEventListener('securitypolicyviolation', (event) => "
            "{ window.reports.push(event.violatedDirective); "
            "console.error('policy: ' + event.violatedDirective); });"
        )
        self.page.goto(url)
        self.page.locator(".start-inner, .editor, .connection").first.wait_for()

    def _on_console(self, message):
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.problems.append(f"console: {message.text}")

    def _on_request(self, request, host):
        parts = urllib.parse.urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != host:
            self.problems.append(f"request to {request.url}")

    def _on_response(self, response):
        path = urllib.parse.urlsplit(response.url).path
        if "/api/" in path:
            self.answers.append((response.status, response.request.method, path.split("/api/")[1]))

    # What is seen

    def rests(self):
        """Waits until the result of the newest state is shown in full size."""
        resting = ".state[data-idle=true][data-fresh=true][data-quality=full]"
        self.page.locator(resting).wait_for()

    @property
    def size(self):
        """(width, height) of the drawing."""
        return tuple(self.page.evaluate(_SIZE))

    def pixels(self, layer="drawing") -> np.ndarray:
        """uint8 (h, w, 4): what a canvas shows."""
        shape, content = self.page.evaluate(_PIXELS, layer)
        return np.frombuffer(base64.b64decode(content), np.uint8).reshape(shape).copy()

    def drawing(self) -> np.ndarray:
        """uint8 (h, w, 3)."""
        return self.pixels()[..., :3]

    @property
    def steps(self) -> list[str]:
        """The history's labels, up to the current one."""
        current = self.page.locator(".step").evaluate_all(
            "(all) => all.findIndex((one) => one.getAttribute('aria-current') === 'step')"
        )
        return self.page.locator(".step").all_inner_texts()[: current + 1]

    def has_steps(self, number):
        """Waits until the current step has a number; 0 is the start."""
        self.page.locator(f'.step[aria-current=step][aria-label^="Step {number}:"]').wait_for()

    def fetched(self, path) -> bytes:
        """What the server answers to the page for an address below api/."""
        return base64.b64decode(self.page.evaluate(_FETCH, path))

    # What a hand does

    def pick(self, path):
        """Opens a photo by the file dialog."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(".drop").click()
        chooser.value.set_files(str(path))
        self.page.locator(".editor").wait_for()

    def train(self, steps):
        """Begins a training of so many steps."""
        self.page.locator(".training > summary").click()
        self.page.locator(".training .more > summary").click()
        self.page.locator("#option-train-steps").fill(str(steps))
        self.page.locator("#option-train-steps").press("Enter")
        self.button("Train on this photo").click()

    def choose(self, tool):
        """Chooses a tool by its button."""
        self.page.locator(f'[data-tool="{tool}"]').click()

    def button(self, name):
        """A button of a name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def place(self, point, pane="drawing"):
        """Where a pixel (x, y) of the canvas lies on the screen."""
        return self.page.evaluate(_PLACE, [list(point), pane])

    def stroke(self, points, pane="drawing", steps=8, release=True, button="left"):
        """Presses at the first of some pixels, goes to the others, and lets go."""
        mouse = self.page.mouse
        mouse.move(*self.place(points[0], pane))
        mouse.down(button=button)
        for point in points[1:]:
            mouse.move(*self.place(point, pane), steps=steps)
        if release:
            mouse.up(button=button)

    def click(self, point, pane="drawing", **options):
        self.page.mouse.click(*self.place(point, pane), **options)

    def press(self, keys):
        self.page.keyboard.press(keys)

    def step_to(self, point):
        """Moves the crosshair to a pixel by arrow keys; the drawing has the focus."""
        readout = self.page.locator(".place")
        if not readout.is_visible():
            self.press("ArrowLeft")
            readout.wait_for()
        at = [int(value) for value in readout.inner_text().split(":")[0].split(",")]
        for now, wanted, keys in zip(
            at, point, [("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown")], strict=True
        ):
            tens, ones = divmod(abs(wanted - now), 10)
            key = keys[wanted > now]
            for keys_of in [f"Shift+{key}"] * tens + [key] * ones:
                self.press(keys_of)

    def click_at(self, point):
        """Presses and lifts the tool at a pixel, by keys."""
        self.step_to(point)
        self.press("Space")
        self.press("Space")

    def told(self, text):
        """Waits until a screen reader is told something about the crosshair that begins so."""
        self.page.locator("[data-told]", has_text=re.compile(f"^{re.escape(text)}")).wait_for(
            state="attached"
        )

    def has_focus(self, what):
        """Waits until an element has the focus."""
        self.page.locator(f"{what}:focus").wait_for(state="attached")

    def drop(self, path, kind="image/png", name=None):
        """Drops a file anywhere on the page, by its own name or another one."""
        content = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
        self.page.evaluate(_DROP, [content, name or pathlib.Path(path).name, kind, "drop"])

    def paste(self, path, kind="image/png"):
        """Pastes a file."""
        content = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
        self.page.evaluate(_DROP, [content, pathlib.Path(path).name, kind, "paste"])

    def saved(self, button="Save picture in full size") -> bytes:
        """The bytes of a file that a button saves."""
        with self.page.expect_download() as download:
            self.button(button).click()
        return pathlib.Path(download.value.path()).read_bytes()


_SIZE = """() => {
  const world = document.querySelector('[data-pane=drawing] .world');
  return [parseFloat(world.style.width), parseFloat(world.style.height)];
}"""
_PIXELS = """async (layer) => {
  await new Promise(requestAnimationFrame); // what was painted shows with the next frame
  const canvas = document.querySelector(`canvas[data-layer=${layer}]`);
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let text = '';
  for (let at = 0; at < data.length; at += 32768) {
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  }
  return [[height, width, 4], btoa(text)];
}"""
_PLACE = """([[x, y], name]) => {
  const pane = document.querySelector(`[data-pane=${name}]`);
  const world = pane.querySelector('.world').getBoundingClientRect();
  const scale = world.width / parseFloat(pane.querySelector('.world').style.width);
  return [world.left + (x + 0.5) * scale, world.top + (y + 0.5) * scale];
}"""
_FETCH = """async (path) => {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem('editor-token')}` };
  const bytes = new Uint8Array(await (await fetch(`api/${path}`, { headers })).arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  }
  return btoa(text);
}"""
_DROP = """([content, name, type, kind]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const event = kind === 'drop'
    ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""
