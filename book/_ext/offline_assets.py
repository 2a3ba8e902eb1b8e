"""Sphinx extension: every page is whole without any other host, and carries only what it uses.

- The vendored MathJax and widget scripts are served from the book's own `_static`.
- Scripts that a page has no use for are taken out (thebe, require.js).
- While the repository's address is the placeholder, no button leads to it.
"""

from pathlib import Path

PLACEHOLDER = "/-owner-/"


def set_static_path(app, config):
    """Serves `book/_static`; Jupyter Book would put all of its scripts on every page."""
    config.html_static_path.append(
        str(Path(__file__).resolve().parent.parent / "_static")
    )


def hide_placeholder_buttons(app, config):
    """Leaves out the buttons that lead to the repository until it has an owner."""
    options = config.html_theme_options
    if PLACEHOLDER in options.get("repository_url", ""):
        for button in (
            "use_repository_button",
            "use_issues_button",
            "use_edit_page_button",
        ):
            options[button] = False
        options["launch_buttons"] = {}


def add_shims(app):
    """Adds what must run before the theme's scripts."""
    app.add_js_file("before-page.js", priority=1)


def drop_unused_scripts(app, pagename, templatename, context, doctree):
    """Takes thebe's scripts out: live kernels are off, and it emits them twice."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in str(getattr(script, "filename", script) or "")
        and "THEBE_JS_URL" not in str(getattr(script, "attributes", {}).get("body", ""))
    ]


def setup(app):
    """Registers the extension."""
    app.connect("config-inited", set_static_path, priority=100)
    app.connect("config-inited", hide_placeholder_buttons, priority=100)
    app.connect("builder-inited", add_shims)
    app.connect("html-page-context", drop_unused_scripts, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
