"""What the last build was made from, as hashes over contents: a fresh clone has fresh times.

Jupyter Book's cache is keyed on a notebook's text alone, and Sphinx rereads a page only when
its file is newer. Neither sees a change in the module. One hash is kept over everything else
that a chapter's outputs depend on, and the caches are dropped when it differs from the last
build's. Another, over everything that a page is made from, tells when there is nothing to do.
"""

import hashlib
import shutil
import sys

from chapters import BUILD, ROOT

INPUTS = ("normflows_tut/**/*", "data/**/*", "benchmarks/results/**/*", "requirements.txt")
# Measured on the book itself, read by no chapter.
LEFT_OUT = {"claims.json", "imports.json", "times.json"}
# Pages are laid out again, but not executed again, when these change.
LAYOUT = ("_config.yml", "_toc.yml", "book/_ext/*.py")
ALL = (*INPUTS, *LAYOUT, "book/**/*")
BUILT = BUILD / "built.sha256"
PAGE = BUILD / "html" / "index.html"


def fingerprint(patterns):
    """Returns one hash over the names and contents of the files matching `patterns`."""
    total = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT)
        # Caches are hidden, or called __pycache__.
        cache = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and not cache and path.name not in LEFT_OUT:
            total.update(name.as_posix().encode() + b"\0")
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


def drop_outdated_caches():
    """Drops what was executed or laid out from other contents."""
    refresh(BUILD / "layout.sha256", LAYOUT, [BUILD / ".doctrees"])
    refresh(BUILD / "inputs.sha256", INPUTS, [BUILD / ".jupyter_cache", BUILD / ".doctrees"])


def everything():
    """Returns the hash over all that the pages are made from."""
    return fingerprint(ALL)


def is_built(contents):
    """Returns whether the pages that stand there were made from what has this hash."""
    return PAGE.exists() and BUILT.exists() and BUILT.read_text(encoding="utf-8") == contents


def note_as_built(contents):
    """Notes what the pages were made from; with None, that they are not whole."""
    if contents is None:
        BUILT.unlink(missing_ok=True)
    else:
        BUILT.write_text(contents, encoding="utf-8")
