"""The widgets in the built pages: no kernel is there, and they move."""

import pytest
from conftest import SETTLE, chapter_pages

VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]'

# What the widget draws. A slider that moves nothing but itself and its number is no explanation,
# so those count only where nothing is drawn.
LOOK = """root => {
    const drawn = [
        ...[...root.querySelectorAll("canvas")].map((c) => c.toDataURL()),
        ...[...root.querySelectorAll("svg")].map((s) => s.outerHTML),
        ...[...root.querySelectorAll("img")].map((i) => `${i.src} ${i.checkVisibility()}`),
    ];
    const written = [...root.querySelectorAll("input")].map((i) => i.value);
    return (drawn.length ? drawn : [root.innerText, ...written]).join();
}"""


@pytest.fixture(params=chapter_pages())
def chapter(request, read, site):
    """Each chapter in turn, after what test_pages.py looks at in it."""
    return read(site + request.param)


def widget_roots(page):
    """Returns the elements in which the page's widgets are drawn, as handles."""
    # Marked once: the browser's own :has() on each question takes seconds on a long page.
    page.evaluate(
        """view => document.querySelectorAll(view).forEach(
            (script) => script.parentElement.setAttribute("data-widget-root", ""))""",
        VIEW,
    )
    return page.query_selector_all("[data-widget-root]")


def visible(root, selector):
    """Returns the handles of what a reader sees of `selector` in a widget."""
    return [found for found in root.query_selector_all(selector) if found.is_visible()]


def buttons_named(root, word):
    """Returns the visible buttons of a widget whose name begins with `word`."""
    name = "b => (b.getAttribute('aria-label') || b.title || b.textContent).trim().toLowerCase()"
    return [b for b in visible(root, "button") if b.evaluate(name).startswith(word)]


def looks_otherwise(root, before):
    """Says whether a widget looks otherwise than `before`, now or within 20 seconds."""
    wait = """async (root, before) => {
        const end = performance.now() + 20_000;
        while ((LOOK)(root) === before) {
            if (performance.now() > end) return false;
            await new Promise((go) => setTimeout(go, 30));
        }
        return true;
    }"""
    return root.evaluate(wait.replace("LOOK", LOOK), before)


def test_every_chapter_has_a_widget_and_all_are_drawn(chapter):
    roots = widget_roots(chapter.page)
    assert roots
    for root in roots:
        assert root.query_selector("canvas, svg, input, img, button"), root.inner_html()[:300]
        assert "Error displaying widget" not in root.inner_text()


def test_controls_are_labelled_and_reached_by_keyboard(chapter):
    for root in widget_roots(chapter.page):
        controls = visible(root, "input, button, select, [role=slider]")
        assert controls, "a widget that no hand can move"
        for control in controls:
            # Of a group of radio buttons the arrow keys reach the others.
            assert control.evaluate("c => c.disabled || c.tabIndex >= 0 || c.type === 'radio'")


@pytest.mark.parametrize("chapter", ["book/real_nvp.html"], indirect=True)
def test_the_picture_chapter_has_a_player(chapter):
    assert any(buttons_named(root, "play") for root in widget_roots(chapter.page))


def test_every_slider_moves_its_widget_without_a_kernel(chapter):
    value = "s => s.value ?? s.getAttribute('aria-valuenow')"
    for root in widget_roots(chapter.page):
        for slider in visible(root, "input[type=range], [role=slider]"):
            chapter.page.evaluate(SETTLE)
            before, start = root.evaluate(LOOK), slider.evaluate(value)
            # To the right where there is room, else back.
            for key in ("ArrowRight", "ArrowLeft"):
                slider.focus()
                slider.press(key)
                slider.press(key)
                if slider.evaluate(value) != start:
                    break
            assert looks_otherwise(root, before), slider.evaluate("s => s.outerHTML")
    assert chapter.errors == []


def test_play_buttons_play(chapter):
    for root in widget_roots(chapter.page):
        for button in buttons_named(root, "play"):
            before = root.evaluate(LOOK)
            button.click()
            assert looks_otherwise(root, before)
    assert chapter.errors == []
