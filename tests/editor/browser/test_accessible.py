"""For everyone: less motion, few colours, a theme that is kept, larger text, narrow and wide windows."""

import pytest


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


def test_the_theme_that_is_chosen_is_kept(window):
    ground = "getComputedStyle(document.body).backgroundColor"
    seen = [window.page.evaluate(ground)]
    for _ in range(2):
        window.button("Light or dark").click()
        seen.append(window.page.evaluate(ground))
        window.page.reload()
        window.rests()
        assert window.page.evaluate(ground) == seen[-1]
    assert seen[0] != seen[1] and seen[0] == seen[2]


# A text of 2 is one twice as large, by the browser's settings.
@pytest.mark.parametrize(
    "width, height, text",
    [(600, 900, 1), (1440, 900, 1), (600, 900, 2)],
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
