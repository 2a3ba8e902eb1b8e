"""Imports run one way, and importing changes nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import normflows_tut

PACKAGE = Path(normflows_tut.__file__).parent

# A room imports from those above it and from nothing below. The two helpers with no room of
# their own serve all of them.
ROOMS = (
    "bijectors",
    "networks",
    "targets",
    "datasets",
    "flows",
    "training",
    "evaluation",
    "viz",
    "widgets",
)


def room_of(path):
    """Returns the room that the module at `path` belongs to, or None for a shared helper."""
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if name.startswith("_") else name


def imported_rooms(source):
    """Returns the rooms that the module text `source` imports, at any depth of nesting."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a room imports from"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        parts = (name.split(".") for name in names)
        found |= {rest[0] for top, *rest in parts if top == "normflows_tut" and rest}
    return {name for name in found if not name.startswith("_")}


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path):
    room = room_of(path)
    others = imported_rooms(path.read_text(encoding="utf-8")) - {room}
    allowed = ROOMS[: ROOMS.index(room)] if room else ()
    assert others <= set(allowed), f"{room or path.name} may import {allowed}"


def test_every_room_is_named():
    rooms = {room_of(path) for path in MODULES} - {None}
    assert rooms == set(ROOMS) == set(normflows_tut.__all__)


@pytest.mark.parametrize(
    ("source", "rooms"),
    [
        ("from normflows_tut.viz import density", {"viz"}),
        ("import normflows_tut.training.fit as f", {"training"}),
        ("def f():\n    from normflows_tut import flows, _checks", {"flows"}),
        ("import numpy, normflows_tuts.viz", set()),
    ],
)
def test_imported_rooms_sees_every_form(source, rooms):
    assert imported_rooms(source) == rooms


# Run in a process of its own: here the rooms are imported already.
WATCH = """
import os, random, sys, warnings
import matplotlib, numpy, tensorflow, tensorflow_probability, ipywidgets, anywidget
import matplotlib.pyplot, PIL.Image, tqdm.auto
from tensorflow.python.eager import context

def state():
    return {
        "numpy": str(numpy.random.get_state()),
        "random": random.getstate(),
        "tensorflow seed": context.context()._seed,
        "floatx": tensorflow.keras.backend.floatx(),
        "warnings": list(warnings.filters),
        "rcParams": dict(matplotlib.rcParams),
        "figures": matplotlib.pyplot.get_fignums(),
        "largest picture": PIL.Image.MAX_IMAGE_PIXELS,
        "environment": dict(os.environ),
        "files": sorted(os.listdir(".")),
    }

before = state()
import normflows_tut
rooms_at_once = sorted(name for name in sys.modules if name.startswith("normflows_tut."))
assert not rooms_at_once, rooms_at_once
for room in normflows_tut.__all__:
    getattr(normflows_tut, room)
after = state()
changed = [name for name in before if before[name] != after[name]]
assert not changed, changed
print("unchanged")
"""


def test_importing_changes_nothing(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", WATCH],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip() == "unchanged"
    assert not list(tmp_path.iterdir())
