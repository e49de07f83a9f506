"""How quickly the browser editor follows a hand, measured in the page itself.

    python benchmarks/editor.py [--moves 200] [--edits 2000] [--output editor.json]

Needs Debian's chromium and `pip install playwright`. Measures, in milliseconds:

  preview   from a pointer's move to the preview that was painted for it, over that many moves, one after
            the other, while points are dragged and while a brush paints, at 256 and 480 px
  strokes   the time between two frames of the page while a brush paints on a drawing of 2048x2048 px
  opening   from a dropped photo of 12 megapixels to its drawing and its first picture
  memory    MB that the server's process holds (on Linux) after each tenth of so many strokes, each
            with its preview, on a photo of 256 px; first of all
"""

import argparse
import base64
import io
import os
import pathlib
import shutil
import tempfile

import cv2
import numpy as np
import record
import skimage.data
from PIL import Image
from playwright.sync_api import sync_playwright

from deepsim_jax.editor import serving

_WATCH = """() => {
  window.times = [];
  let begun = null;
  const stage = document.querySelector('.stage');
  stage.addEventListener('pointermove', () => { begun ??= performance.now(); }, true);
  new MutationObserver(() => requestAnimationFrame(() => {
    if (begun === null) return;
    window.times.push(performance.now() - begun);
    begun = null;
  })).observe(stage, { attributes: true, attributeFilter: ['data-painted'] });
}"""
_FRAMES = """() => {
  window.frames_ = [];
  let before = null;
  const frame = (now) => {
    if (before !== null) window.frames_.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
_DROP = """([content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  window.dropped = performance.now();
  const kind = { dataTransfer: transfer, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new DragEvent('drop', kind));
}"""
_PLACE = """([x, y]) => {
  const world = document.querySelector('[data-pane=drawing] .world');
  const box = world.getBoundingClientRect();
  return [box.left + x * box.width, box.top + y * box.height];
}"""
_OPENING = """async (values) => {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem('editor-token')}`,
                    'Content-Type': 'application/json' };
  const id = sessionStorage.getItem('editor-workspace');
  const body = JSON.stringify({ values, discard: true });
  return (await fetch(`api/workspaces/${id}/opening`, { method: 'PUT', headers, body })).status;
}"""
_EDITS = """async ([count, seed]) => {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem('editor-token')}`,
                    'Content-Type': 'application/json' };
  const address = `api/workspaces/${sessionStorage.getItem('editor-workspace')}`;
  const post = async (path, json) => {
    const body = JSON.stringify(json);
    const answer = await fetch(`${address}/${path}`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  };
  const { canvas, history } = await (await fetch(address, { headers })).json();
  let base = history.documents[history.position].id;
  for (let number = seed; number < seed + count; number++) {
    const at = canvas.size.map((side, axis) => (((number + 1) * (37 + 24 * axis)) % (side - 20)) + 10);
    const color = canvas.palette[number % canvas.palette.length];
    const action = { tool: 'stroke', points: [at, [at[0] + 6, at[1] + 4]], radius: 4, color };
    const { history } = await (await post('actions', { base, action })).json();
    base = history.documents[history.position].id;
    const asked = { document: base, action: null, sequence: number, tab: 'm', show: 'picture' };
    await (await post('preview', asked)).blob();
  }
}"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moves", type=int, default=200)
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = serving.serve(pathlib.Path(folder), port=None, open_browser=False)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        figures = {
            "memory": _memory(browser, server, options.edits),
            "preview": {
                f"{size} px, {tool}": _preview(browser, server, size, tool, options.moves)
                for size in (256, 480)
                for tool in ("warp", "stroke")
            },
            "strokes": _strokes(browser, server),
            "opening": _opening(browser, server),
        }
        browser.close()
        server.stop()
    record.write(options.output, figures)


def _photo(width, height) -> bytes:
    return _jpeg(cv2.resize(skimage.data.cat(), (width, height), interpolation=cv2.INTER_CUBIC))


def _jpeg(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()


def _opened(browser, server, photo, **values):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(server.url)
    page.locator(".drop").wait_for()
    page.evaluate(_DROP, [base64.b64encode(photo).decode(), "photo.jpg", "image/jpeg"])
    _rests(page)
    if values:
        status = page.evaluate(_OPENING, values)
        assert status == 200, status
        page.reload()
        _rests(page)
    return page


def _rests(page):
    page.locator(".state[data-fresh=true][data-idle=true]").wait_for(timeout=120_000)


def _preview(browser, server, size, tool, moves):
    page = _opened(browser, server, _photo(size, size), **{"data.max_side": size})
    page.locator(f'[data-tool="{tool}"]').click()
    page.evaluate(_WATCH)
    angles = np.linspace(0, 4 * np.pi, moves + 10)
    places = np.stack([0.5 + 0.06 * np.cos(angles), 0.5 + 0.06 * np.sin(angles)], -1)
    page.mouse.move(*page.evaluate(_PLACE, places[0].tolist()))
    page.mouse.down()
    times = []
    for number, place in enumerate(places[1:], 1):
        page.mouse.move(*page.evaluate(_PLACE, place.tolist()))
        for _ in range(2000):
            times = page.evaluate("window.times")
            if len(times) >= number:
                break
            page.wait_for_timeout(2)
        else:
            raise RuntimeError("no preview was painted")
    page.mouse.up()
    page.close()
    return _summary(times[-moves:])


def _strokes(browser, server):
    page = _opened(browser, server, _photo(2048, 2048), **{"data.max_side": 2048})
    page.locator('[data-tool="stroke"]').click()
    page.locator("#slider-size").fill("24")
    page.evaluate(_FRAMES)
    draw, times = np.random.default_rng(0), []
    for _ in range(5):
        places = draw.uniform(0.1, 0.9, (6, 2))
        page.mouse.move(*page.evaluate(_PLACE, places[0].tolist()))
        page.mouse.down()
        page.evaluate("window.frames_.length = 0")
        for place in places[1:]:
            page.mouse.move(*page.evaluate(_PLACE, place.tolist()), steps=30)
        times += page.evaluate("window.frames_.slice()")
        page.mouse.up()
    page.close()
    return {**_summary(times), "above 32": int(np.sum(np.array(times) > 32))}


def _opening(browser, server):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(server.url)
    page.locator(".drop").wait_for()
    page.evaluate(_DROP, [base64.b64encode(_photo(4000, 3000)).decode(), "photo.jpg", "image/jpeg"])
    page.locator(".state[data-quality=draft]").wait_for(timeout=120_000)
    taken = page.evaluate("performance.now() - window.dropped")
    page.close()
    return {"milliseconds": round(taken)}


def _memory(browser, server, edits):
    page = _opened(browser, server, _photo(256, 256), **{"data.max_side": 256})
    held = {}
    for part in range(10):
        page.evaluate(_EDITS, [edits // 10, part * (edits // 10)])
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
        held[(part + 1) * (edits // 10)] = round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    page.close()
    return held


def _summary(times):
    return {
        "median": round(float(np.median(times)), 1),
        "p95": round(float(np.percentile(times, 95)), 1),
        "most": round(float(np.max(times)), 1),
        "count": len(times),
    }


if __name__ == "__main__":
    main()
