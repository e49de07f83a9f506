"""Every panel, the training and the dialogs: names, contrast, focus and places, at all widths."""

import io
import pathlib
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

AXE = pathlib.Path(__file__).parent / "vendor" / "axe.min.js"
AROUND = 6  # px around a control, within which its focus shows
PARTS = {"nudge", "copy-drag", "delete"}  # keys that move and delete a part of a drawing
NARROW = 880  # px, below which the options are shown by a button alone
WINDOWS = [(600, 800, "dark"), (900, 700, "light"), (1280, 800, "light"), (3840, 2160, "dark")]


@pytest.fixture(scope="module")
def workdir(server, trained_singan, trained_igan):
    """The server's folder, with a run of each system that has runs."""
    for name, run in (("scene", trained_singan), ("things", trained_igan)):
        shutil.copytree(run.workdir, server.workdir / name)


@pytest.fixture
def window(visit, workdir):
    """A window at the start, as one sees it who wants less motion."""
    return visit(expected=("status of 409",), reduced_motion="reduce")  # a question is answered by that


@pytest.fixture
def drawing(window, cat_file):
    """With the cat opened."""
    window.pick(cat_file)
    window.rests()
    return window


@pytest.fixture
def one_photo(window):
    """With three pictures of a photo that was learned, and a comparison."""
    page = window.page
    page.locator(".work", has_text="scene").last.click()
    window.rests()
    window.press("s")
    page.locator("#slider-count").fill("3")
    _do(window, "New pictures")
    window.has_steps(1)
    window.rests()
    page.locator("[aria-label='Pictures of this step'] [role=radio]").nth(2).wait_for()
    window.button("Compare every start scale").click()
    page.get_by_role("group", name="Comparison").get_by_role("button").nth(1).wait_for()
    return window


@pytest.fixture
def collection(window, tmp_path):
    """With a collection, of whose photo a part is to be chosen."""
    page, path = window.page, tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((60, 90, 3), 200, np.uint8))
    page.locator(".work", has_text="things").last.click()
    window.rests()
    page.get_by_role("radio", name="Picture 9", exact=True).wait_for()
    window.press("o")
    with page.expect_file_chooser() as chooser:
        window.button("Choose: a picture for “Picture”").click()
    chooser.value.set_files(str(path))
    page.get_by_text("In pixels").click()
    return window


def _do(editor, button):
    editor.page.locator(".apply").get_by_role("button", name=button, exact=True).click()


def _resize(editor, width, height, scheme):
    """Gives the window a size and a theme, and shows the options."""
    editor.page.set_viewport_size({"width": width, "height": height})
    editor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    options = editor.button("Options")
    if width < NARROW and options.get_attribute("aria-pressed") == "false":
        options.click()


def violations(editor, within="body"):
    """What axe-core finds serious or critical, in a part of the page."""
    if not editor.page.evaluate("'axe' in window"):
        editor.page.evaluate(AXE.read_text("utf-8"))
    found = editor.page.evaluate("(within) => axe.run(within, { resultTypes: ['violations'] })", within)
    return [
        (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]][:4])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def misplaced(editor):
    """What leaves the window at its sides, and which control something else lies over."""
    return editor.page.evaluate(_MISPLACED)


def suits_all_windows(editor):
    """Whether the panel of every tool does, from 600 px to 3840, in both themes."""
    tools = editor.page.locator("[data-tool]").evaluate_all("(all) => all.map((one) => one.dataset.tool)")
    first = editor.page.locator('[aria-pressed="true"][data-tool]').get_attribute("data-tool")
    for width, height, scheme in WINDOWS:
        _resize(editor, width, height, scheme)
        assert misplaced(editor) == [] and violations(editor) == [], width
        for tool in tools if width < 1280 else ():
            editor.choose(tool)
            assert misplaced(editor) == [], (tool, width)
            assert width > 600 or violations(editor, ".side") == [], tool
        editor.choose(first)


def goes_by_tab(editor, scheme, count):
    """Goes by Tab to every control that can be used, at least so many: each has a name, and is seen then.

    Seen: by a line of a contrast of 3 to what was there, all around it.
    """
    page, session = editor.page, editor.context.new_cdp_session(editor.page)
    page.set_viewport_size({"width": 1280, "height": 1700})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.mouse.move(640, 1)
    page.evaluate("document.activeElement.blur()")
    before = _brightness(page)
    reached = 0
    while True:
        editor.press("Tab")
        told = page.evaluate(_FOCUSED)
        if told is None:
            continue  # the end of the page, after which it begins anew
        if told["again"]:
            break
        reached += 1
        place = np.array(told["box"])
        left, top = np.maximum(place[:2] - AROUND, 0).astype(int)
        right, bottom = np.minimum(place[:2] + place[2:] + AROUND, before.shape[::-1]).astype(int)
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        clip = {name: int(value) for name, value in clip.items()}
        pair = np.sort([_brightness(page, clip=clip), before[top:bottom, left:right]], axis=0)
        seen = ((pair[1] + 0.05) / (pair[0] + 0.05) >= 3).sum()
        assert seen >= 2 * place[2:].sum(), told
        assert _name_of_the_focused(session), told
    assert page.evaluate(_UNREACHED) == [] and reached >= count
    session.detach()


def _name_of_the_focused(session):
    """What a screen reader calls the control that has the focus."""
    focused = session.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]
    asked = {"objectId": focused["objectId"], "fetchRelatives": False}
    return session.send("Accessibility.getPartialAXTree", asked)["nodes"][0]["name"]["value"]


def _brightness(page, **options):
    """The relative luminance of what the window shows, as WCAG has it, 0 to 1."""
    shown = Image.open(io.BytesIO(page.screenshot(animations="disabled", **options))).convert("RGB")
    values = np.asarray(shown) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def lists_keys(editor, there, missing):
    """Whether the sheet has some keys, and not those that do nothing here."""
    editor.press("?")
    listed = editor.page.locator("[data-key]").evaluate_all("(all) => all.map((one) => one.dataset.key)")
    editor.press("Escape")
    assert there <= set(listed) and not missing & set(listed)


def test_the_start_and_the_dialogs(window, cat_file):
    page = window.page
    for width, height, scheme in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        assert misplaced(window) == [] and violations(window) == [], width
    goes_by_tab(window, "dark", 10)
    window.pick(cat_file)
    window.rests()
    window.choose("stroke")
    window.stroke([(20, 20), (50, 40)])
    window.has_steps(1)
    for name, title, count in (("All keys", "Keys", 2), ("Make a film", "Make a film", 7)):
        window.button(name).click()
        page.get_by_role("dialog", name=title).wait_for()
        for width, height, scheme in WINDOWS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            assert misplaced(window) == [] and violations(window, "dialog") == [], (name, width)
        goes_by_tab(window, "light", count)
        window.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    _resize(window, 600, 800, "light")
    page.locator("summary", has_text="How the photo is drawn").click()
    page.locator("#slider-number-of-colours").fill("5")
    page.get_by_role("dialog", name="One question").wait_for()
    assert misplaced(window) == [] and violations(window) == []
    window.button("Leave it").click()


def test_the_panel_of_a_drawing(drawing):
    for details in (".training", ".training .more"):
        drawing.page.locator(f"{details} > summary").click()
    drawing.choose("stroke")
    goes_by_tab(drawing, "light", 60)
    suits_all_windows(drawing)
    _resize(drawing, 600, 800, "light")
    drawing.button("Options").click()
    drawing.press("u")
    drawing.stroke([(20, 20), (50, 40)])
    drawing.press("ArrowDown")
    drawing.button("Apply what is shown").wait_for()
    drawing.button("Options").click()
    assert misplaced(drawing) == [] and violations(drawing) == []


def test_the_panel_of_a_training(drawing, server, monkeypatch):
    page = drawing.page
    job = server._desk._trainings[page.evaluate("sessionStorage.getItem('editor-workspace')")]
    told = job.describe() | {
        "step": 1200,
        "steps": 6000,
        "title": "networks",
        "values": {"loss": 0.12345},
    }
    monkeypatch.setattr(job, "describe", lambda: told | {"since": job.bell.count})
    monkeypatch.setattr(job, "start", lambda values=None: told.update(state="running"))
    monkeypatch.setattr(job, "pause", lambda: told.update(state="pausing"))

    def press(button, becomes):
        drawing.button(button).click()
        page.locator(f"[data-training={becomes}]").wait_for()

    def suits(text, **changes):
        told.update(changes)
        job.bell.ring()
        page.locator(".training", has_text=text).wait_for()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert misplaced(drawing) == [] and violations(drawing, ".side") == [], text

    _resize(drawing, 600, 800, "light")
    page.locator(".training > summary").click()
    press("Train on this photo", "running")
    suits("networks: step 1200 of 6000", seconds_left=None)
    suits("1200 of 6000, 13 min left", seconds_left=754.2)
    suits("1200 of 6000, 89 s left", seconds_left=89.2)
    suits("1200 of 6000, 2 min left", seconds_left=90.0)
    suits("1200 of 6000, 2.5 h left", seconds_left=9000.0)
    press("Pause the training", "pausing")
    suits("Pausing …", seconds_left=None)
    suits("step 1300 of 6000 — paused", state="paused", step=1300)
    press("Go on with the training", "running")
    suits("step 1400 of 6000", step=1400)
    told.update(state="failed", error="the disk is full")
    job.bell.ring()
    drawing.button("Close this message").click()
    suits("the disk is full")
    press("Train anew", "running")
    suits("Finished after 6000 steps.", state="finished", step=6000)


def test_the_panel_of_one_photo(one_photo):
    goes_by_tab(one_photo, "dark", 40)
    suits_all_windows(one_photo)
    page = one_photo.page
    lists_keys(
        one_photo, {"tool-paint", "lasso", "size-drag", "swap"}, PARTS | {"label", "straight", "overlay"}
    )
    one_photo.choose("animate")
    page.locator("#slider-frames").fill("4")
    _do(one_photo, "Animate")
    one_photo.has_steps(2)
    page.get_by_role("button", name="Play the pictures", pressed=False).wait_for()
    _resize(one_photo, 600, 800, "light")
    page.get_by_text("1 of 4").wait_for()
    assert misplaced(one_photo) == [] and violations(one_photo) == []
    page.wait_for_timeout(300)
    assert page.get_by_text("1 of 4").is_visible(), "nothing moves by itself"


def test_the_panel_of_a_collection(collection):
    goes_by_tab(collection, "light", 50)
    suits_all_windows(collection)
    lists_keys(collection, {"tool-color", "straight", "overlay"}, PARTS | {"label", "fainter"})


def test_alt_on_a_pad_sizes_the_brush_and_takes_a_colour(window):
    page = window.page
    page.locator(".work", has_text="scene").last.click()
    window.rests()
    window.press("b")
    window.rests()
    wanted = window.pixels("pad")[20, 3, :3]
    before = float(page.locator("#slider-size").input_value())
    page.keyboard.down("Alt")
    window.stroke([(10, 10), (20, 10)])
    page.keyboard.up("Alt")
    assert float(page.locator("#slider-size").input_value()) > before
    assert page.locator(".colors input").input_value() == "#000000", "a drag takes no colour"
    page.keyboard.down("Alt")
    window.click((3, 20))
    page.keyboard.up("Alt")
    assert page.locator(".colors input").input_value() == "#" + bytes(wanted).hex()
    assert window.button("Take back the last stroke").is_disabled(), "nothing is painted"


_MISPLACED = """() => {
  const found = [];
  const shown = [...document.querySelectorAll('#app *')].filter(
    (one) => one.checkVisibility() && !one.closest('.world, .overlay, .sr, .skip, svg'));
  for (const one of shown) {
    const { left, right, width } = one.getBoundingClientRect();
    const name = one.outerHTML.slice(0, 100);
    const mayScroll = one.closest('.toolbar, .strip ol');
    if (width && !mayScroll && (left < -0.5 || right > innerWidth + 0.5)) found.push(`outside: ${name}`);
    const scrolls = ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
    if (scrolls && !mayScroll && one.scrollWidth > one.clientWidth + 1) found.push(`too wide: ${name}`);
  }
  const within = document.querySelector('dialog[open]');
  for (const one of shown) {
    if (!one.matches('button, input, select, summary, video, [role=slider]')) continue;
    if (within && !within.contains(one)) continue;
    one.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const { left, top, width, height } = one.getBoundingClientRect();
    const seen = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!one.contains(seen)) found.push(`covered: ${one.outerHTML.slice(0, 100)}`);
  }
  return found;
}"""
_FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const again = 'reached' in one.dataset;
  one.dataset.reached = '';
  const { x, y, width, height } = one.getBoundingClientRect();
  return { html: one.outerHTML.slice(0, 120), again, box: [x, y, width, height] };
}"""
_UNREACHED = """() => {
  const within = document.querySelector('dialog[open]') ?? document;
  const all = [...within.querySelectorAll('button, input, select, summary, a[href], video, [tabindex]')];
  const missed = all.filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0
    && !('reached' in one.dataset));
  for (const one of document.querySelectorAll('[data-reached]')) delete one.dataset.reached;
  return missed.map((one) => one.outerHTML.slice(0, 100));
}"""
