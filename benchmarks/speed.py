"""Optimizer steps a second, against the libraries people use, interleaved on the same cores.

Each contestant is a process of its own that stays alive through its case; they take turns, so
that a noisy machine is noisy for all, and the median of the turns counts.
"""

import dataclasses
import json
import statistics
import subprocess
import sys

from contest import Spec
from contestants import CONTESTANTS, OURS, command
from machine import write_result

TURNS, SECONDS = 9, 1.0  # a turn is about so long, in steps of 50
CASES = {
    "RealNVP, 6-D": Spec("real_nvp", 6, 8, 64),
    "MAF, 6-D": Spec("maf", 6, 5, 64),
    "spline coupling, 6-D": Spec("spline", 6, 4, 64),
    "RealNVP, 63-D": Spec("real_nvp", 63, 10, 256),
    "MAF, 63-D": Spec("maf", 63, 5, 256),
    "spline coupling, 63-D": Spec("spline", 63, 5, 256),
}


class Worker:
    """A contestant's process, compiled and ready."""

    def __init__(self, name, spec, pythons):
        arguments = {"spec": dataclasses.asdict(spec), "variant": CONTESTANTS[name].variant}
        self._process = subprocess.Popen(
            [*command(name, pythons), "speed", json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{self._process.args} did not start; run it by hand to see why.")
        self._steps = 50
        self._steps = max(50, 50 * round(SECONDS / self.seconds_a_step() / 50))

    def seconds_a_step(self):
        """Lets the worker take one turn."""
        print(self._steps, file=self._process.stdin, flush=True)
        seconds, _ = map(float, self._process.stdout.readline().split())
        return seconds / self._steps

    def stop(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def measure(spec, pythons):
    """Returns the median milliseconds a step of every contestant."""
    workers = {name: Worker(name, spec, pythons) for name in CONTESTANTS}
    turns = {name: [] for name in workers}
    for _ in range(TURNS):
        for name, worker in workers.items():
            turns[name].append(1e3 * worker.seconds_a_step())
    for worker in workers.values():
        worker.stop()
    return {name: round(statistics.median(times), 3) for name, times in turns.items()}


def main(jax_python, torch_python):
    """Measures, prints and writes results/speed.json."""
    pythons = {"own": sys.executable, "jax": jax_python, "torch": torch_python}
    cases = {}
    for case, spec in CASES.items():
        cases[case] = measure(spec, pythons)
        print(case)
        for name, time in cases[case].items():
            print(f"  {name:28s}{time:9.3f} ms a step{time / cases[case][OURS]:8.2f}", flush=True)
    content = {
        "what": "Milliseconds a training step: batch 512, Adam, two hidden layers of 64 units "
        "(6-D; 8 couplings, 5 autoregressive layers, 4 spline couplings of 8 bins) or 256 units "
        "(63-D; 10, 5, 5)",
        "turns": f"{TURNS} turns of about {SECONDS} s, interleaved; medians",
        "milliseconds_per_step": cases,
    }
    print(f"Written to {write_result('speed', 'make bench BENCH=speed', content)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
