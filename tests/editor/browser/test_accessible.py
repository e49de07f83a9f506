"""For everyone: names, contrast, the keyboard alone, narrow and wide windows."""

import pathlib

import pytest

AXE = pathlib.Path(__file__).parent / "vendor" / "axe.min.js"


def violations(editor):
    """What axe-core finds serious or critical."""
    if not editor.page.evaluate("'axe' in window"):
        editor.page.evaluate(AXE.read_text("utf-8"))
    found = editor.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]][:4])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_no_serious_violation(visit, cat_file, scheme):
    editor = visit(color_scheme=scheme)
    assert violations(editor) == []
    editor.pick(cat_file)
    editor.rests()
    assert violations(editor) == []
    for tool in ("region", "warp", "stroke", "line", "keep"):
        editor.choose(tool)
        assert violations(editor) == [], tool
    editor.press("u")
    editor.stroke([(20, 20), (50, 40)])
    assert violations(editor) == []
    editor.press("Escape")
    for name in ("All keys", "Make a film"):
        editor.button(name).click()
        editor.page.get_by_role("dialog").wait_for()
        assert violations(editor) == [], name
        editor.press("Escape")


def test_every_control_has_a_name_and_is_reached_by_the_keyboard(window):
    editor = window
    unnamed = editor.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, summary, [tabindex="0"]')]
        .filter((one) => one.checkVisibility() && !one.disabled
          && !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length
            || one.title)).map((one) => one.outerHTML.slice(0, 100))"""
    )
    assert unnamed == []
    count = editor.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, summary, [tabindex="0"]')]
        .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0
          && !(one.type === 'file')).length"""
    )
    editor.page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(count + 5):
        editor.press("Tab")
        reached.add(
            editor.page.evaluate(
                "() => { const one = document.activeElement; one.dataset.reached ??= "
                "String(document.querySelectorAll('[data-reached]').length + 1); "
                "return one.dataset.reached; }"
            )
        )
    assert len(reached) >= count - 1, (len(reached), count)


def test_arrow_keys_go_through_the_tool_bar(window):
    editor = window
    editor.page.locator('[data-tool="region"]').focus()
    editor.press("Enter")
    editor.page.locator('[data-tool="region"]').press("ArrowDown")
    focused = editor.page.evaluate("document.activeElement.dataset.tool")
    assert focused == "warp"
    editor.press("Enter")
    assert editor.page.locator('[data-tool="warp"]').get_attribute("aria-pressed") == "true"


def test_motion_is_reduced_where_it_is_asked_for(visit):
    editor = visit(reduced_motion="reduce")
    assert (
        editor.page.locator(".drop").evaluate("(one) => getComputedStyle(one).transitionDuration") == "0s"
    )


def test_forced_colours_tell_what_is_chosen_and_leave_the_palette(window):
    window.choose("stroke")
    swatch = window.page.locator(".palette .swatch").first
    ground = "(one) => getComputedStyle(one).backgroundColor"
    before = swatch.evaluate(ground)
    window.page.emulate_media(forced_colors="active")
    chosen, other = (window.page.locator(f'[data-tool="{name}"]') for name in ("stroke", "line"))
    assert chosen.evaluate(ground) != other.evaluate(ground)
    assert swatch.evaluate(ground) == before
    window.page.emulate_media(forced_colors="none")


# A text of 2 is one twice as large, by the browser's settings.
@pytest.mark.parametrize(
    "width, height, text",
    [(600, 900, 1), (900, 700, 1), (1440, 900, 1), (2560, 1440, 1), (3840, 2160, 1), (600, 900, 2)],
)
def test_nothing_is_cut_off_at_any_width(visit, cat_file, width, height, text):
    editor = visit(viewport={"width": width, "height": height})
    sizes = {"standard": 16 * text, "fixed": 13 * text}
    editor.context.new_cdp_session(editor.page).send("Page.setFontSizes", {"fontSizes": sizes})
    editor.pick(cat_file)
    editor.rests()
    assert editor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    cut = editor.page.evaluate(
        """() => [...document.querySelectorAll('.topbar button, .tool, .status button, .side button')]
        .filter((one) => one.checkVisibility()).filter((one) => {
          const box = one.getBoundingClientRect();
          const scrolls = one.closest('.toolbar, .side');
          return box.left < -1 || (!scrolls && box.right > window.innerWidth + 1);
        }).map((one) => one.outerHTML.slice(0, 100))"""
    )
    assert cut == []
    pane = editor.page.locator('[data-pane="drawing"]').bounding_box()
    assert pane["width"] >= 0.4 * min(width, 900) and pane["height"] >= 150
    is_narrow = width < 880 * text
    if is_narrow:
        editor.button("Options").click()
        editor.page.locator("#slider-opacity").wait_for()
    editor.choose("stroke")
    if is_narrow:
        editor.button("Options").click()
    editor.stroke([(20, 20), (60, 40)])
    editor.has_steps(1)
