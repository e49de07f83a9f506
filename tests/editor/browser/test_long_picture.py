"""A picture that takes long, in the page: how far it is, stopped, and made later."""

import time


def test_a_picture_that_takes_long_tells_how_far_it_is_and_can_be_stopped(editor, server, slowed):
    page, desk = editor.page, server._desk
    id_ = page.evaluate("sessionStorage.getItem('editor-workspace')")
    slow = slowed(desk.worker.submit(lambda: desk.get(id_)).result(180).opened.session, "draft")
    editor.choose("stroke")
    editor.stroke([(20, 20), (60, 40)])
    slow.reached()
    slow.go_on()
    slow.reached()
    told = page.get_by_role("progressbar", name="The picture")
    told.wait_for()
    assert told.inner_text() == "1 of 3" and told.get_attribute("aria-valuenow") == "1"
    editor.button("Stop making the picture").click()
    editor.button("Go on with the picture").wait_for()
    end = time.monotonic() + 180
    while not desk.worker._doing[0].ended:
        assert time.monotonic() < end
        time.sleep(0.01)
    slow.is_held = False
    slow.go_on()
    editor.has_steps(1)
    assert page.locator(".state").get_attribute("data-fresh") == "false" and told.count() == 0
    editor.button("Go on with the picture").click()
    editor.rests()
    assert slow.made == 2 and editor.button("Go on with the picture").count() == 0
