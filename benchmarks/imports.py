"""Seconds that a chapter's imports take, and how much of it is this module."""

import statistics
import subprocess
import sys
import time

from machine import write_result

TURNS = 7
# What each adds to the one before; a process of its own for each, all its lines from the start.
LINES = {
    "Python and NumPy": "import numpy",
    "matplotlib": "import matplotlib.pyplot",
    "TensorFlow": "import tensorflow",
    "TensorFlow Probability": "import tensorflow_probability as tfp; tfp.bijectors",
    "normflows_tut, everything": "from normflows_tut import *",
}


def seconds(names):
    """Returns how long a new process takes that imports what is called `names`."""
    code = "\n".join(LINES[name] for name in names)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    """Measures, prints and writes results/imports.json."""
    names = list(LINES)
    turns = [
        {name: seconds(names[: count + 1]) for count, name in enumerate(names)}
        for _ in range(1 + TURNS)
    ][1:]  # the first reads the files from the disk
    total = {name: statistics.median(turn[name] for turn in turns) for name in names}
    added = {
        name: statistics.median(turn[name] - (turn[before] if before else 0) for turn in turns)
        for before, name in zip([None, *names], names, strict=False)
    }
    for name in names:
        print(f"{name:28} {added[name]:6.2f} s more, {total[name]:6.2f} s", flush=True)
    content = {
        "what": "Seconds of a new process that imports what a chapter does, line by line",
        "turns": f"{TURNS} turns, interleaved, after one that is not counted; medians",
        "added": {name: round(value, 2) for name, value in added.items()},
        "total": {name: round(value, 2) for name, value in total.items()},
        "seconds": [{name: round(value, 2) for name, value in turn.items()} for turn in turns],
    }
    print(f"Written to {write_result('imports', 'make bench BENCH=imports', content)}.")


if __name__ == "__main__":
    main()
