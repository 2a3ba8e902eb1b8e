"""Who takes part, and how a contestant's worker is called."""

import dataclasses
import json
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).parent
OURS = "normflows_tut"


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A worker's script, the environment it runs in, and what it is told."""

    environment: str  # own, jax or torch
    script: str
    variant: str = ""


CONTESTANTS = {
    OURS: Contestant("own", "worker_normflows_tut.py"),
    "TFP, documented": Contestant("own", "worker_tfp.py", "documented"),
    "TFP, XLA": Contestant("own", "worker_tfp.py", "compiled"),
    "flowjax, documented": Contestant("jax", "worker_flowjax.py", "documented"),
    "flowjax, 50 steps a scan": Contestant("jax", "worker_flowjax.py", "scan"),
    "zuko": Contestant("torch", "worker_torch.py", "zuko"),
    "nflows": Contestant("torch", "worker_torch.py", "nflows"),
    "normflows": Contestant("torch", "worker_torch.py", "normflows"),
}


def peer_versions():
    """Returns what the environments of the peers are asked to hold, a list of requirements."""
    lines = []
    for path in sorted(HERE.glob("requirements-*.txt")):
        lines += [line for line in path.read_text().splitlines() if line and line[0] not in "#-"]
    return lines


def command(name, pythons):
    """Returns the beginning of the command line; `pythons` maps environments to interpreters."""
    contestant = CONTESTANTS[name]
    return [pythons[contestant.environment], str(HERE / contestant.script)]


class Worker:
    """A process, compiled and ready, that works for a turn when told to; see `contest.take_turns`.

    Args:
      command: Its command line.
    """

    def __init__(self, command):
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{self._process.args} did not start; run it by hand to see why.")

    def seconds(self, amount):
        """Lets the worker take one turn."""
        print(amount, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def stop(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def worker(name, protocol, spec, first, pythons):
    """Returns the `Worker` of a contestant.

    Args:
      name: One of `CONTESTANTS`.
      protocol: "speed" or "sampling", as in contest.py.
      spec: The `contest.Spec` of the flow.
      first: Amount of work, steps or points, done before the clock starts.
      pythons: Maps environments to interpreters.
    """
    variant = CONTESTANTS[name].variant
    arguments = {"spec": dataclasses.asdict(spec), "variant": variant, "first": first}
    return Worker([*command(name, pythons), protocol, json.dumps(arguments)])


def interleaved(workers, turns, work):
    """Returns for each name the median of `work(name, worker)`, taken in rounds.

    The workers stop afterwards.
    """
    results = {name: [] for name in workers}
    for _ in range(turns):
        for name, worker in workers.items():
            results[name].append(work(name, worker))
    for worker in workers.values():
        worker.stop()
    return {name: statistics.median(values) for name, values in results.items()}
