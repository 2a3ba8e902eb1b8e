"""Seconds to draw points from a masked autoregressive flow, against the libraries people use.

An autoregressive flow finds the coordinates of a point one after the other, each from those
before it. How a library does that decides: as many runs of the whole network as there are
coordinates, or of each unit once.
"""

import sys

from contest import Spec
from contestants import CONTESTANTS, OURS, interleaved, peer_versions, worker
from machine import write_result

TURNS, POINTS = 5, 10_000
SPEC = Spec("maf", 64, 5, 64)


def main(jax_python, torch_python):
    """Measures, prints and writes results/sampling.json."""
    pythons = {"own": sys.executable, "jax": jax_python, "torch": torch_python}
    workers = {name: worker(name, "sampling", SPEC, POINTS, pythons) for name in CONTESTANTS}
    seconds = interleaved(workers, TURNS, lambda name, worker: worker.seconds(POINTS))
    for name, time in seconds.items():
        print(f"{name:28s}{time:9.3f} s{time / seconds[OURS]:8.2f}", flush=True)
    content = {
        "what": f"Seconds to draw {POINTS} points from a masked autoregressive flow in 64 "
        "dimensions of 5 layers, each with two hidden layers of 64 units",
        "peers": peer_versions(),
        "turns": f"{TURNS} turns, interleaved; medians",
        "seconds": {name: round(time, 4) for name, time in seconds.items()},
    }
    print(f"Written to {write_result('sampling', 'make bench BENCH=sampling', content)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
