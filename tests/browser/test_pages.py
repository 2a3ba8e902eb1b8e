"""Every page of the built book, as a reader's browser has it."""

import base64
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import HTML, book_pages, chapter_pages

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
GENERATED = ["genindex.html", "search.html"]
WIDGET_SCRIPTS = ("require.js", "embed-amd.js", "anywidget.js")


@pytest.fixture(params=[*book_pages(), *GENERATED])
def opened(request, read, site):
    """Each page in turn, over HTTP, in light mode."""
    return read(site + request.param), request.param, site


@pytest.fixture(params=["index.html", *book_pages()])
def pocket(request, read):
    """Each page in turn, from the disk, as wide as a phone."""
    return read((HTML / request.param).as_uri(), width=390)


# Of the words of a code block that have one colour, one keeps its element; the page looks the same.
# Three in four elements of a chapter are such words, and axe-core takes milliseconds for each.
ONE_OF_EACH_COLOUR = """() => {
    for (const block of document.querySelectorAll("pre")) {
        const seen = new Set();
        for (const word of block.querySelectorAll("span[class]")) {
            if (word.childElementCount || word.attributes.length > 1) continue;
            let classes = "";
            for (let e = word; e !== block; e = e.parentElement) classes += `${e.className}, `;
            if (seen.has(classes)) word.replaceWith(word.textContent);
            else seen.add(classes);
        }
    }
}"""


def test_page_asks_no_other_host(opened):
    seen, _, site = opened
    others = {
        urlsplit(url).netloc for url in seen.requests if not url.startswith(("data:", "blob:"))
    }
    assert others == {urlsplit(site).netloc}


def test_nothing_is_missing_and_no_script_fails(opened):
    seen, _, _ = opened
    assert seen.failures == []
    assert seen.errors == []


def test_pictures_are_there_and_have_alt_text(opened):
    pictures = opened[0].page.eval_on_selector_all(
        "img", "list => list.map(i => [i.currentSrc.slice(0, 80), i.alt, i.naturalWidth])"
    )
    for source, alt, width in pictures:
        assert alt.strip(), source
        # What the page itself shows later (a scrubber's hidden frames) may not be decoded yet.
        assert width > 0 or not source, source


def axe(page, options):
    """Returns what axe-core finds serious or critical on the page, a line for each place."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        # evaluate, not add_script_tag: require.js on the page would take axe for a module.
        page.evaluate(
            f"(() => {{ const define = undefined; {AXE.read_text(encoding='utf-8')} }})()"
        )
    run = "options => axe.run(document, {resultTypes: ['violations'], ...options})"
    return [
        f"{rule['id']}: {node['html'][:160]} -- {node.get('failureSummary', '')[:200]}"
        for rule in page.evaluate(run, options)["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def test_page_is_accessible(opened):
    page = opened[0].page
    page.evaluate(ONE_OF_EACH_COLOUR)
    found = axe(page, {})
    # In dark only the colours are others.
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    found += axe(page, {"runOnly": {"type": "rule", "values": ["color-contrast"]}})
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert not found, "\n".join(found)


def test_buttons_keep_their_names_on_a_slow_line(browser, site):
    """Font Awesome copies an icon's title into its picture, the sooner the later MathJax comes."""
    page = browser.new_page()

    def come_late(route):
        page.wait_for_timeout(1000)
        route.continue_()

    page.route("**/tex-chtml*.js*", come_late)
    page.goto(site + "book/index.html")
    icons = page.locator(".theme-switch-button svg")
    assert icons.count() == 3
    assert icons.locator("title").count() == 0
    page.close()


def test_nothing_fades_for_readers_who_asked_for_no_motion(opened):
    """Also what lets the colours be judged as soon as the folded cells are open."""
    fading = """async () => {
        const frames = (go) => requestAnimationFrame(() => requestAnimationFrame(go));
        const folded = [...document.querySelectorAll("details")];
        for (const each of folded) each.open = false;
        await new Promise(frames);
        for (const each of folded) each.open = true;
        await new Promise(frames);
        return document.getAnimations().length;
    }"""
    assert opened[0].page.evaluate(fading) == 0


def test_widget_scripts_stand_only_where_widgets_are(opened):
    seen, name, _ = opened
    views = seen.page.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    loaded = [url for url in seen.requests if url.split("?")[0].endswith(WIDGET_SCRIPTS)]
    assert bool(views) == bool(loaded), name


def test_no_button_leads_to_the_placeholder(opened):
    links = opened[0].page.eval_on_selector_all("a[href]", "list => list.map(a => a.href)")
    assert not [link for link in links if "-owner-" in link]


def test_machinery_stays_out_of_the_page(opened):
    text = opened[0].page.evaluate("document.body.textContent")
    assert "REPOSITORY =" not in text
    assert "absl::InitializeLog" not in text
    assert "WARNING:" not in text
    assert " at 0x" not in text
    assert not re.search(r"\d+%\|.*\| \d+/\d+ \[", text), "a progress bar"


def test_page_weighs_at_most_8_mb(opened):
    """The page and its pictures; what all pages share is fetched once for the whole book."""
    seen, _, _ = opened
    shared = sum(size for url, size in seen.sizes.items() if "/_static/" in url)
    assert sum(seen.sizes.values()) - shared <= 8_000_000
    assert shared <= 9_000_000


def test_page_fits_a_phone(pocket):
    wide = pocket.page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth + 1 ? [] :
            [...document.querySelectorAll("article *")]
                .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
                .slice(0, 8).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert wide == []


def test_page_is_whole_from_the_disk(pocket):
    remote = [url for url in pocket.requests if not url.startswith(("file:", "data:", "blob:"))]
    assert remote == []
    assert pocket.failures == []
    assert pocket.errors == []


@pytest.mark.parametrize("name", chapter_pages())
def test_chapter_has_a_moving_picture_and_no_heavy_one(name):
    html = (HTML / name).read_text(encoding="utf-8")
    inline = [
        len(base64.b64decode(data)) for data in re.findall(r"data:image/gif;base64,([^\"']+)", html)
    ]
    linked = [
        (HTML / name).parent.joinpath(source).resolve().stat().st_size
        for source in re.findall(r'<img[^>]* src="([^":]+\.gif)"', html)
    ]
    played = re.findall(r'"_anywidget_id": *"[^"]*LayerScrubber"', html)
    assert inline + linked + played, "nothing that moves by itself: no GIF, no scrubber to play"
    assert max([0, *inline, *linked]) <= 450_000


def test_the_front_door_leads_into_the_book(visit, site):
    page = visit(site).page
    page.wait_for_url("**/book/index.html")
    assert page.locator("article h1").count() == 1
