"""Optimizer steps a second, RealNVP, against flowjax, interleaved on the same cores.

6 dimensions, 8 couplings, hidden layers 64 and 64, batch 512. Each contestant is a process of
its own that stays alive; they take turns, so that a noisy machine is noisy for all, and the
median of the turns counts.
"""

import pathlib
import statistics
import subprocess
import sys

from machine import write_result

HERE = pathlib.Path(__file__).parent
STEPS, TURNS = 500, 15


def start(python, script, *arguments):
    """Starts a worker and returns it when it has compiled."""
    worker = subprocess.Popen(
        [python, HERE / script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if worker.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{script} {arguments} did not start; run it by hand to see why.")
    return worker


def milliseconds(worker):
    """Lets the worker take one turn; returns milliseconds a step."""
    print(STEPS, file=worker.stdin, flush=True)
    seconds, _ = map(float, worker.stdout.readline().split())
    return 1e3 * seconds / STEPS


def main(jax_python):
    """Measures, prints and writes results/speed.json."""
    workers = {
        "normflows_tut": start(sys.executable, "worker_normflows_tut.py"),
        "flowjax, documented": start(jax_python, "worker_flowjax.py", "documented"),
        "flowjax, 50 steps a scan": start(jax_python, "worker_flowjax.py", "scan"),
    }
    turns = {name: [] for name in workers}
    for _ in range(TURNS):
        for name, worker in workers.items():
            turns[name].append(milliseconds(worker))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    median = {name: round(statistics.median(times), 3) for name, times in turns.items()}
    ours = median["normflows_tut"]
    ratio = {name: round(time / ours, 2) for name, time in median.items()}
    content = {
        "what": "RealNVP, 6-D, 8 layers, hidden 64x64, batch 512: milliseconds a training step",
        "turns": f"{TURNS} turns of {STEPS} steps, interleaved; medians",
        "milliseconds_per_step": median,
        "times_ours": ratio,
    }
    path = write_result("speed", "make bench BENCH=speed", content)
    for name in workers:
        print(f"{name:28s}{median[name]:8.3f} ms a step{ratio[name]:8.2f}")
    print(f"Written to {path}.")


if __name__ == "__main__":
    main(sys.argv[1])
