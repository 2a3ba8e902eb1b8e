"""The built book in a real browser: which browser, where the book is served, what was asked for."""

import base64
import functools
import http.server
import json
import os
import re
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"

NAMES = (
    "google-chrome-stable",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "chrome",
    "microsoft-edge",
    "msedge",
)
PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/snap/bin/chromium",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "no browser found: install Chromium (Debian: apt install chromium) or Chrome, "
    "name one with CHROME=/path/to/it, or run `.venv/bin/playwright install chromium`"
)

IMPORT = """async (source) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    window.module = await import(url);
}"""
DECODE = """(text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const odd = new Uint8Array(bytes.length + 3); // as it may lie in a longer buffer
    odd.set(bytes, 3);
    return new DataView(odd.buffer, 3);
}"""
# A stand-in for the notebook's model: what a widget asks of one, and a count of listeners.
RENDER = """(state) => {
    for (const [name, value] of Object.entries(state)) {
        if (value?.base64) state[name] = (DECODE)(value.base64);
    }
    const listeners = new Set();
    const model = {
        get: (name) => state[name],
        set: (name, value) => {
            state[name] = value;
            for (const [event, run] of listeners) if (event === `change:${name}`) run();
        },
        save_changes: () => {},
        on: (event, run) => listeners.add([event, run]),
        off: (event, run) => {
            for (const pair of listeners) {
                if (pair[0] === event && pair[1] === run) listeners.delete(pair);
            }
        },
    };
    const el = document.createElement("div");
    document.body.append(el);
    Object.assign(window, { el, model, listeners });
    window.dispose = window.module.default.render({ model, el });
}""".replace("DECODE", DECODE)
SETTLE = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


def find_browser(playwright):
    """Returns the path of a Chrome or Chromium, or None."""
    if named := os.environ.get("CHROME"):
        found = shutil.which(named)
        if found is None:
            pytest.fail(f"CHROME={named!r} is no program.")
        return found
    candidates = [*map(shutil.which, NAMES), *PATHS, playwright.chromium.executable_path]
    return next((path for path in candidates if path and Path(path).exists()), None)


def book_pages():
    """Returns the built pages, relative to the book's folder, as `_toc.yml` has them."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from chapters import pages
    finally:
        sys.path.pop(0)
    return [f"{page}.html" for page in pages()]


def chapter_pages():
    """Returns the built pages that were notebooks."""
    return [page for page in book_pages() if (ROOT / page).with_suffix(".ipynb").exists()]


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves the book and prints nothing."""

    def log_message(self, *arguments):
        """Says nothing: the browser's side of each request is what the tests look at."""


@dataclass
class Visit:
    """A page in the browser, with what it asked for and what went wrong."""

    page: object
    requests: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    sizes: dict = field(default_factory=dict)

    def watch(self):
        """Begins to write down requests, failed requests, script errors and bytes."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.failures.append(request.url))
        self.page.on("response", self._note_response)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note_message)
        return self

    def _note_response(self, response):
        if response.status >= 400:
            self.failures.append(f"{response.status} {response.url}")
        self.sizes[response.url] = int(response.headers.get("content-length", 0))

    def _note_message(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def settle(self):
        """Waits until the page is drawn: its mathematics typeset and its widgets there."""
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_function(
            """() => {
                const view = "application/vnd.jupyter.widget-view+json";
                const maths = document.querySelectorAll(".math").length;
                const drawn = document.querySelectorAll("mjx-container").length;
                return (!maths || drawn) &&
                    [...document.querySelectorAll(`script[type="${view}"]`)].every((script) =>
                        script.parentElement.querySelector(".jupyter-widgets, .lm-Widget"));
            }""",
            timeout=20_000,
        )
        # Folded solutions are part of the page.
        self.page.evaluate(
            """() => {
                for (const e of document.querySelectorAll(".toggle-hidden"))
                    e.classList.remove("toggle-hidden");
                for (const e of document.querySelectorAll("details")) e.open = true;
            }"""
        )
        return self

    def close(self):
        """Closes the page, and with it what it kept."""
        self.page.context.close()


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests, with an empty profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = find_browser(playwright)
        if path is None:
            if os.environ.get("REQUIRE_BROWSER"):
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        instance = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield instance
        instance.close()


@pytest.fixture(scope="session")
def site():
    """The built book on 127.0.0.1; the address ends in a slash."""
    if not (HTML / "index.html").exists():
        pytest.fail("The book is not built: run `make book`.")
    handler = functools.partial(Server, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def open_page(browser, address, *, width=1280):
    """Opens an address in a fresh context and returns the Visit."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    visit = Visit(context.new_page()).watch()
    visit.page.goto(address)
    return visit.settle()


@pytest.fixture
def visit(browser):
    """A function that opens an address in a fresh context and returns the Visit."""
    visits = []

    def go(address):
        visits.append(open_page(browser, address))
        return visits[-1]

    yield go
    for each in visits:
        each.close()


@pytest.fixture(scope="session")
def read(browser):
    """A function like `visit`'s that keeps the last page open for the next test that asks for it.

    A chapter takes seconds to open, and its moving pictures keep a core busy until it is closed.
    """
    last = {}

    def go(address, **options):
        if address not in last:
            for each in last.values():
                each.close()
            last.clear()
            last[address] = open_page(browser, address, **options)
        return last[address]

    yield go
    for each in last.values():
        each.close()


def page_of(item):
    """Returns the page that a test is about, or None."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((value for value in values if str(value).endswith(".html")), None)


def pytest_collection_modifyitems(items):
    """Tests of one page follow each other, so that it is opened twice only: see `read`."""
    items.sort(key=lambda item: (page_of(item) or "", "pocket" in item.fixturenames))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives the tests of a page to one process, and of a file those that are of no page."""
    from xdist.scheduler import LoadScopeScheduling

    # pytest-xdist's own groups, `xdist_group`, are not seen with pytest 9.2.
    class ByPage(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            page = re.search(r"\[(\S+\.html)\]$", nodeid)
            return page[1] if page else nodeid.split("::")[0]

    return ByPage(config, log)


@pytest.fixture(scope="module")
def page(browser):
    """An empty page that fails the test on a script error."""
    page = browser.new_page(viewport={"width": 900, "height": 900}, reduced_motion="reduce")
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def show(page):
    """A function that renders a widget and returns one that sets traits and reads the state."""

    def render(widget):
        names = type(widget).__mro__[1].class_own_traits(sync=True)  # anywidget adds a class
        state = {name: getattr(widget, name) for name in names if name[0] != "_"}
        for name, value in state.items():
            if isinstance(value, bytes):
                state[name] = {"base64": base64.b64encode(value).decode()}
        page.evaluate(IMPORT, widget._esm)
        page.evaluate(RENDER, state)
        page.add_style_tag(content=widget._css)

        def read(**traits):
            for name, value in traits.items():
                page.evaluate("([name, value]) => model.set(name, value)", [name, value])
            page.evaluate(SETTLE)
            return json.loads(page.evaluate("el.firstElementChild.dataset.state"))

        return read

    yield render
    page.evaluate("() => { window.dispose(); el.remove(); }")
    assert page.evaluate("listeners.size") == 0, "a widget that is gone still listens"
    assert page.locator(".nt-widget").count() == 0
