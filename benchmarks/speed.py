"""Optimizer steps a second, against the libraries people use, interleaved on the same cores.

Each contestant is a process of its own that stays alive through its case; they take turns, so
that a noisy machine is noisy for all, and the median of the turns counts. A run that was
stopped goes on with the next case.
"""

import sys

from contest import Spec
from contestants import CONTESTANTS, OURS, interleaved, peer_versions, worker
from machine import resume, write_result

TURNS, SECONDS, STEPS = 9, 1.0, 50  # a turn takes about a second, a multiple of 50 steps
CASES = {
    "RealNVP, 6-D": Spec("real_nvp", 6, 8, 64),
    "MAF, 6-D": Spec("maf", 6, 5, 64),
    "spline coupling, 6-D": Spec("spline", 6, 4, 64),
    "RealNVP, 63-D": Spec("real_nvp", 63, 10, 256),
    "MAF, 63-D": Spec("maf", 63, 5, 256),
    "spline coupling, 63-D": Spec("spline", 63, 5, 256),
}


def measure(spec, pythons):
    """Returns the median milliseconds a step of every contestant."""
    workers = {name: worker(name, "speed", spec, STEPS, pythons) for name in CONTESTANTS}
    counts = {  # of steps in a turn
        name: STEPS * max(1, round(SECONDS / worker.seconds(STEPS)))
        for name, worker in workers.items()
    }
    seconds = interleaved(
        workers, TURNS, lambda name, worker: worker.seconds(counts[name]) / counts[name]
    )
    return {name: round(1e3 * time, 3) for name, time in seconds.items()}


def main(jax_python, torch_python):
    """Measures, prints and writes results/speed.json."""
    pythons = {"own": sys.executable, "jax": jax_python, "torch": torch_python}
    head = {
        "what": "Milliseconds a training step: batch 512, Adam, two hidden layers of 64 units "
        "(6-D; 8 couplings, 5 autoregressive layers, 4 spline couplings of 8 bins) or 256 units "
        "(63-D; 10, 5, 5)",
        "peers": peer_versions(),
        "turns": f"{TURNS} turns of about {SECONDS} s, interleaved; medians",
    }
    cases = resume("speed", head).get("milliseconds_per_step", {})
    for case in [name for name in CASES if name not in cases]:
        cases[case] = measure(CASES[case], pythons)
        print(case)
        for name, time in cases[case].items():
            print(f"  {name:28s}{time:9.3f} ms a step{time / cases[case][OURS]:8.2f}", flush=True)
        content, unfinished = {**head, "milliseconds_per_step": cases}, len(cases) < len(CASES)
        path = write_result("speed", "make bench BENCH=speed", content, unfinished=unfinished)
    print(f"Written to {path}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
