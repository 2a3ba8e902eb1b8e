"""The frame of every widget: its scripts, read from this folder, and its named refusals."""

from pathlib import Path

import anywidget

_FOLDER = Path(__file__).parent


def module(*names):
    """Returns the JavaScript files `names` of this folder as one module.

    A widget's module is a string inside the page and can import no neighbour, so what it
    shares with the others is put in front of it. Lines that hold only a comment stay in
    the files: every widget of a page carries its own copy of this text.
    """
    lines = []
    for name in names:
        lines += (_FOLDER / f"{name}.js").read_text(encoding="utf-8").splitlines()
    kept = (line for line in lines if line.strip() and not line.lstrip().startswith(("//", "/**")))
    return "\n".join(kept) + "\n"


def style():
    """Returns the style sheet that all widgets share."""
    return (_FOLDER / "widgets.css").read_text(encoding="utf-8")


class PageWidget(anywidget.AnyWidget):
    """What the widgets have in common: one style sheet, and no unknown parameters."""

    _css = style()

    def __init__(self, **parameters):
        own = type(self).class_own_traits(sync=True)
        for name in parameters:
            if name not in own and name not in ("layout", "tooltip"):
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}; it has "
                    f"{', '.join(sorted(n for n in own if not n.startswith('_')))}."
                )
        super().__init__(**parameters)
