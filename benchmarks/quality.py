"""The twelve two-dimensional targets, every library for the same time: KL to the exact density.

All train spline flows on the same standardised points for the same wall-clock time and are
judged on the same test points, three seeds each; so the differences between libraries are
paired. Every run has one processor core of its own: as many runs as there are cores go side by
side. Each library's setting was chosen on another target; see quality_choice.py. A run that was
stopped goes on where it was.

    python benchmarks/quality.py JAX_PYTHON TORCH_PYTHON
"""

import dataclasses
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from contest import Spec
from contestants import CONTESTANTS, OURS, command, peer_versions
from machine import RESULTS, on_all_cores, resume, write_result

from normflows_tut import targets

SECONDS, SEEDS, TRAIN_POINTS, TEST_POINTS = 30, (0, 1, 2), 1_000_000, 100_000
TARGETS = tuple(name for name in targets.names() if name != "uniform")
# The rest trains as its documentation shows, in `speed`: here everyone is at its best.
NAMES = (OURS, "TFP, XLA", "flowjax, 50 steps a scan", "zuko", "nflows", "normflows")


def chosen_settings():
    """Returns name -> (`Spec`, peak of the learning rate), as quality_choice.py chose them."""
    path = RESULTS / "quality_choice.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run make bench BENCH=quality_choice first.")
    chosen = json.loads(path.read_text())["chosen"]
    return {name: (Spec(**chosen[name]["spec"]), chosen[name]["peak_rate"]) for name in NAMES}


def points_of(target, seed):
    """Returns standardised train and test points, and the exact log-densities of the latter."""
    draw = np.asarray(target.sample(TRAIN_POINTS + TEST_POINTS, seed=[seed, 0]))
    train, test = draw[:TRAIN_POINTS], draw[TRAIN_POINTS:]
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    log_p = np.asarray(target.log_prob(test)) + np.log(deviation).sum()
    return (train - mean) / deviation, (test - mean) / deviation, log_p


def answer_of(points, name, spec, peak_rate, pythons, *, seconds=SECONDS, max_steps=None, seed=0):
    """Trains one contestant.

    Args:
      points: Arrays `train` and `test`, and perhaps `validation`.
      name: The contestant's name.
      spec: Its `Spec`.
      peak_rate: The peak of its learning rate.
      pythons: Maps environments to interpreters.
      seconds: How long it trains.
      max_steps: How many steps at most; None for as many as the time has.
      seed: Decides its weights and batches.

    Returns:
      A dict: `log_prob` at the test points, the number of `steps`, and the mean log-density at
      the `validation` points.
    """
    with tempfile.TemporaryDirectory() as folder:
        data, answer = pathlib.Path(folder, "points.npz"), pathlib.Path(folder, "answer.npz")
        np.savez(data, **{key: rows.astype(np.float32) for key, rows in points.items()})
        arguments = {
            "spec": dataclasses.asdict(spec),
            "variant": CONTESTANTS[name].variant,
            "seed": seed,
            "points": str(data),
            "answer": str(answer),
            "seconds": seconds,
            "max_steps": max_steps,
            "peak_rate": peak_rate,
        }
        worker = [*command(name, pythons), "quality", json.dumps(arguments)]
        subprocess.run(worker, check=True, stderr=subprocess.DEVNULL)
        with np.load(answer) as file:
            return dict(file)


def measure(points, runs, pythons):
    """Trains one after the other.

    Args:
      points: What `points_of` returned.
      runs: Triples of a contestant's name, a `Spec` and the peak of the learning rate.
      pythons: Maps environments to interpreters.

    Returns:
      For each run the log-ratios log p - log q at the test points, and the number of steps.
    """
    train, test, log_p = points
    answers = [answer_of({"train": train, "test": test}, *run, pythons) for run in runs]
    return [(log_p - answer["log_prob"], int(answer["steps"])) for answer in answers]


def mean_and_error(ratios):
    """Returns a mean and its standard error, rounded."""
    return [round(float(v), 5) for v in (ratios.mean(), ratios.std() / np.sqrt(len(ratios)))]


def row(task, settings, pythons):
    """Returns the results of one seed and one target."""
    seed, target = task
    # Each row begins with another contestant: none always has the quieter half.
    first = (seed * len(TARGETS) + TARGETS.index(target)) % len(NAMES)
    names = NAMES[first:] + NAMES[:first]
    runs = [(name, *settings[name]) for name in names]
    measured = measure(points_of(targets.make(target), seed), runs, pythons)
    results = dict(zip(names, measured, strict=True))
    ours = results[OURS][0]
    return {
        "target": target,
        "seed": seed,
        "kl": {name: mean_and_error(results[name][0]) for name in NAMES},
        # Above 0 where the peer is worse, on the same points.
        "behind_ours": {
            name: mean_and_error(results[name][0] - ours) for name in NAMES if name != OURS
        },
        "steps": {name: results[name][1] for name in NAMES},
    }


def main(jax_python, torch_python):
    """Measures what is missing, prints and writes results/quality.json."""
    pythons = {"own": sys.executable, "jax": jax_python, "torch": torch_python}
    settings = chosen_settings()
    head = {
        "what": f"Spline flows, {SECONDS} s of training on one core, compilation included: KL to "
        "the exact density and how far a peer is behind, each with its standard error, in nats",
        "settings": {
            name: {"spec": dataclasses.asdict(spec), "peak_rate": rate}
            for name, (spec, rate) in settings.items()
        },
        "peers": peer_versions(),
        "train_points": TRAIN_POINTS,
        "test_points": TEST_POINTS,
    }
    rows = resume("quality", head).get("rows", [])
    done = {(row["seed"], row["target"]) for row in rows}
    missing = [task for task in itertools.product(SEEDS, TARGETS) if task not in done]
    for new in on_all_cores(lambda task: row(task, settings, pythons), missing):
        print(new["target"], new["seed"], new["kl"], flush=True)
        rows.append(new)
        rows.sort(key=lambda row: (row["seed"], TARGETS.index(row["target"])))
        unfinished = len(rows) < len(SEEDS) * len(TARGETS)
        content = {**head, "rows": rows}
        write_result("quality", "make bench BENCH=quality", content, unfinished=unfinished)


if __name__ == "__main__":
    main(*sys.argv[1:])
