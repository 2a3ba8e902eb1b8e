"""Minutes that the commands of the README take in a fresh clone, part by part."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import resume, write_result

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
# `make book` is the first two, `make test` the last four; a reader may want one page first.
TARGETS = {
    "venv": ["venv"],
    "book": ["book"],
    "chapter": ["chapter", "NAME=change_of_variables"],
    "lint": ["lint"],
    "unit": ["unit"],
    "notebooks": ["notebooks"],
    "pages": ["pages"],
}
CHAPTER = re.compile(r"^ *\d+/\d+ +(\w+) +(\d+):(\d\d)$", re.MULTILINE)


def run():
    """Returns the seconds of each target in a fresh clone, and those of the chapters."""
    seconds, said = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        for name, target in TARGETS.items():
            start = time.monotonic()
            made = subprocess.run(["make", *target], cwd=clone, stdout=subprocess.PIPE, text=True)
            seconds[name], said[name] = round(time.monotonic() - start), made.stdout
            if made.returncode:
                sys.exit(f"make {' '.join(target)} failed:\n{made.stdout[-3000:]}")
            print(f"{name:10} {seconds[name]:6} s", flush=True)
    chapters = {
        name: 60 * int(minutes) + int(rest) for name, minutes, rest in CHAPTER.findall(said["book"])
    }
    return {"targets": seconds, "chapters": chapters}


def main():
    """Measures, prints and writes results/times.json."""
    what = {
        "what": "Seconds in a fresh clone of what is committed, package cache warm: of each make "
        "target after those above it, and of each chapter within `make book`",
    }
    runs = resume("times", what).get("runs", [])
    while len(runs) < RUNS:
        runs.append(run())
        content = what | {"runs": runs}
        path = write_result("times", "make bench BENCH=times", content, unfinished=len(runs) < RUNS)
    print(f"Written to {path}.")


if __name__ == "__main__":
    main()
