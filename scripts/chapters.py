"""Print the notebooks of the book, in the order of `_toc.yml`."""

import os
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
# By these, numerical libraries know how many threads a process may use.
THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


def pages(toc=None):
    """Returns the paths, without suffix, of all pages named in `_toc.yml`."""
    if toc is None:
        toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    if isinstance(toc, list):
        return [page for item in toc for page in pages(item)]
    if not isinstance(toc, dict):
        return []
    own = [toc[key] for key in ("root", "file") if key in toc]
    below = (toc[key] for key in ("parts", "chapters", "sections") if key in toc)
    return own + [page for items in below for page in pages(items)]


def notebooks():
    """Returns the notebooks among the pages, as paths relative to the repository."""
    found = (Path(page).with_suffix(".ipynb") for page in pages())
    return [path for path in found if (ROOT / path).exists()]


def cores():
    """Returns how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count()


if __name__ == "__main__":
    print(*(path.as_posix() for path in notebooks()))
