"""Build the book: `make book`.

Executes the chapters that are not in the cache, then lays the pages out; nothing is done, and it
takes a moment, when nothing has changed. The chatter of Sphinx goes to `_build/pages.log`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import fingerprint
from chapters import BUILD, ROOT

LOG = BUILD / "pages.log"
TAIL = 40  # lines of it that are shown


def jupyter_book(*options, log):
    """Lets Jupyter Book lay out pages, its chatter in a file; returns the exit code."""
    print(f"Building the pages (log: {log})", flush=True)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", *options, "."]
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT).returncode
    if code:
        print("\n".join(log.read_text(encoding="utf-8").splitlines()[-TAIL:]))
        print(f"The pages were not built; the whole log: {log}")
    return code


def laid_out():
    """Lays out the whole book, in which a warning is an error; returns the exit code."""
    code = jupyter_book("-W", "-n", "--keep-going", log=LOG)
    if code:
        # A page that failed would count as read the next time, and the failure be forgotten.
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
    return code


def main():
    """Brings the book up to date; returns the exit code."""
    contents = fingerprint.everything()
    if not fingerprint.is_built(contents):
        import execute  # here, because it takes a second or two

        fingerprint.drop_outdated_caches()
        code = execute.main()
        if code:
            return code
        fingerprint.note_as_built(None)
        code = laid_out()
        if code:
            return code
        fingerprint.note_as_built(contents)
    print(f"The book is at {fingerprint.PAGE}")
    print("Open it in a browser; with `make serve` its search works too.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
