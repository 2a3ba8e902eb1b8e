"""Refresh the JavaScript that the book and its tests carry with them.

The built book asks no other host for anything, and neither a build nor a test needs
node, so the files below are committed. Refreshing them does need `npm` (it fetches and
checks the packages) and an environment with anywidget installed:

    make vendor

Versions are pinned here; to move to a newer one, change the number, run this, run
`make test`, and commit what changed.
"""

import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book" / "_static" / "vendor"
TESTS = ROOT / "tests" / "browser" / "vendor"

# One row a file or folder: (where it lies in the package, where it goes, a glob for folders).
NPM = {
    # MathJax 3 as one file: 4 loads its fonts piecewise from another package.
    "mathjax@3.2.2": [
        ("es5/tex-chtml-full.js", BOOK / "mathjax"),
        ("es5/output/chtml/fonts/woff-v2/*.woff", BOOK / "mathjax/output/chtml/fonts/woff-v2"),
        ("LICENSE", BOOK / "mathjax"),
    ],
    # The page side of ipywidgets 8.1: draws the widgets' saved state without a kernel.
    "@jupyter-widgets/html-manager@1.0.15": [
        ("dist/embed-amd.js", BOOK / "widgets"),
        ("dist/*.woff2", BOOK / "widgets/@jupyter-widgets/html-manager/dist"),
    ],
    # The loader that html-manager's AMD build asks for.
    "requirejs@2.3.8": [("require.js", BOOK / "widgets")],
    # The accessibility checks of the browser tests; no page carries it.
    "axe-core@4.14.1": [("axe.min.js", TESTS), ("LICENSE", TESTS)],
}


def unpack(package, folder):
    """Fetches one npm package into `folder` and returns where its files lie."""
    answer = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder), package],
        check=True,
        capture_output=True,
        text=True,
    )
    target = folder / package.replace("/", "-")
    with tarfile.open(folder / answer.stdout.split()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def copy_files(source, pattern, destination):
    """Copies the files matching `pattern` below `source` into `destination`."""
    found = sorted(source.glob(pattern))
    if not found:
        raise SystemExit(f"{pattern} is not in {source}: has the package moved it?")
    destination.mkdir(parents=True, exist_ok=True)
    for path in found:
        shutil.copyfile(path, destination / path.name)


def copy_anywidget(folder):
    """Takes anywidget's page side from its wheel, so that the two never differ."""
    distribution = importlib.metadata.distribution("anywidget")
    files = {str(path): path.locate() for path in distribution.files}
    script = next(
        p for name, p in files.items() if name.endswith("nbextensions/anywidget/index.js")
    )
    licence = next((p for name, p in files.items() if Path(name).name == "LICENSE"), None)
    shutil.copyfile(script, folder / "anywidget.js")
    if licence:
        shutil.copyfile(licence, folder / "LICENSE.anywidget")
    return f"anywidget@{distribution.version}"


def write_manifest(packages):
    """Records versions and sha256 sums; a test compares the files with them."""
    files = {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for base in (BOOK, TESTS)
        for path in sorted(base.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "README.md")
    }
    text = json.dumps({"packages": sorted(packages), "sha256": files}, indent=1)
    (BOOK / "manifest.json").write_text(text + "\n", encoding="utf-8")


def main():
    """Fetches every package and writes the files and the manifest."""
    if shutil.which("npm") is None:
        sys.exit("Refreshing the vendored files needs npm (building and testing do not).")
    with tempfile.TemporaryDirectory() as scratch:
        for package, rows in NPM.items():
            source = unpack(package, Path(scratch))
            for pattern, destination in rows:
                copy_files(source, pattern, destination)
    write_manifest([*NPM, copy_anywidget(BOOK / "widgets")])
    size = sum(path.stat().st_size for path in BOOK.rglob("*") if path.is_file())
    print(f"{BOOK.relative_to(ROOT)}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
