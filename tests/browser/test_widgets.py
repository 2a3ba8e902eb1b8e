"""The widgets in the built pages: no kernel is there, and they move."""

import pytest
from conftest import chapter_pages

VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]'

# What a reader would see change: markup, drawn canvases and the values of controls.
LOOK = """root => root.innerHTML
    + [...root.querySelectorAll("canvas")].map((c) => c.toDataURL()).join()
    + [...root.querySelectorAll("input, output")].map((i) => i.value).join()"""


@pytest.fixture(scope="module", params=chapter_pages())
def chapter(request, visit, site):
    """Each chapter in turn."""
    return visit(site + request.param)


def widget_roots(page):
    """Returns the elements in which the page's widgets are drawn."""
    return page.locator(f":has(> {VIEW})").all()


def test_every_chapter_has_a_widget_and_all_are_drawn(chapter):
    roots = widget_roots(chapter.page)
    assert roots
    for root in roots:
        assert root.locator("canvas, svg, input, img, button").count(), root.inner_html()[:300]
        assert "Error displaying widget" not in root.inner_text()


def test_controls_are_labelled_and_reached_by_keyboard(chapter):
    for root in widget_roots(chapter.page):
        controls = root.locator(
            "input:visible, button:visible, select:visible, [role=slider]:visible"
        )
        assert controls.count(), "a widget that no hand can move"
        for control in controls.all():
            assert control.evaluate("c => c.tabIndex >= 0"), control.evaluate("c => c.outerHTML")


def test_every_slider_moves_its_widget_without_a_kernel(chapter):
    for root in widget_roots(chapter.page):
        for slider in root.locator("input[type=range]:visible, [role=slider]:visible").all():
            before = root.evaluate(LOOK)
            slider.focus()
            # To the right where there is room, else back.
            slider.press("ArrowRight")
            slider.press("ArrowRight")
            chapter.page.wait_for_timeout(60)
            if root.evaluate(LOOK) == before:
                slider.press("ArrowLeft")
                slider.press("ArrowLeft")
                chapter.page.wait_for_timeout(60)
            drawn = root.evaluate(LOOK)
            assert drawn != before, slider.evaluate("s => s.outerHTML")
    assert chapter.errors == []


def test_play_buttons_play(chapter):
    buttons = [
        (root, button)
        for root in widget_roots(chapter.page)
        for button in root.get_by_role("button", name="play").all()
        if button.is_visible()
    ]
    for root, button in buttons:
        before = root.evaluate(LOOK)
        button.click()
        chapter.page.wait_for_timeout(1_500)
        assert root.evaluate(LOOK) != before
    assert chapter.errors == []


def test_the_picture_chapter_has_a_player(visit, site):
    page = visit(site + "book/real_nvp.html").page
    assert page.get_by_role("button", name="play").count()
