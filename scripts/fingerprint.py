"""Forget the book's cached executions when what they ran on has changed.

Jupyter Book's cache is keyed on a notebook's text alone, and Sphinx rereads a page only when
its file is newer. Neither sees a change in the module. This writes one hash over everything
else that a chapter's outputs depend on (contents, not times: a fresh clone has fresh times)
and drops the caches when it differs from the last build's.
"""

import hashlib
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
INPUTS = ("normflows_tut/**/*", "data/**/*", "benchmarks/results/**/*", "requirements.txt")
# Written by `make claims`, read by no chapter.
LEFT_OUT = "claims.json"
# Pages are laid out again, but not executed again, when these change.
LAYOUT = ("_config.yml", "_toc.yml", "book/_ext/*.py")


def fingerprint(patterns):
    """Returns one hash over the names and contents of the files matching `patterns`."""
    total = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        if path.is_file() and "__pycache__" not in path.parts and path.name != LEFT_OUT:
            total.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def refresh(stamp, patterns, folders):
    """Removes `folders` when the hash over `patterns` is not the one in `stamp`."""
    now = fingerprint(patterns)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == now:
        return
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(now, encoding="utf-8")


if __name__ == "__main__":
    refresh(BUILD / "layout.sha256", LAYOUT, [BUILD / ".doctrees"])
    refresh(BUILD / "inputs.sha256", INPUTS, [BUILD / ".jupyter_cache", BUILD / ".doctrees"])
