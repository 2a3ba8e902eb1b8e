"""The twelve two-dimensional targets, every library for the same time: KL to the exact density.

All train spline flows on the same standardised points, one after the other on all cores, and
are judged on the same test points, three seeds each; so the differences between libraries are
paired. What a library's flow looks like and how fast it learns was chosen for each on other
targets. A run that was stopped goes on where it was.

    python benchmarks/quality.py JAX_PYTHON TORCH_PYTHON [name of a target] ...
"""

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from contest import Spec
from contestants import CONTESTANTS, OURS, command
from machine import RESULTS, write_result

from normflows_tut import targets

SECONDS, SEEDS, TRAIN_POINTS, TEST_POINTS = 30, (0, 1, 2), 1_000_000, 100_000
TARGETS = tuple(name for name in targets.names() if name != "uniform")
# name -> flow, peak of the learning rate
SETTINGS = {
    OURS: (Spec("spline", 2, 4, 64, bins=24), 3e-3),
    "TFP, XLA": (Spec("spline", 2, 4, 64, bins=16), 3e-3),
    "flowjax, 50 steps a scan": (Spec("spline", 2, 4, 64, bins=16), 3e-3),
    "zuko": (Spec("spline", 2, 4, 64, bins=16), 3e-3),
    "nflows": (Spec("spline", 2, 4, 64, bins=16), 3e-3),
    "normflows": (Spec("spline", 2, 4, 64, bins=16), 3e-3),
}


def points_of(target, seed):
    """Returns standardised train and test points, and the exact log-densities of the latter."""
    draw = target.sample(TRAIN_POINTS + TEST_POINTS, seed=[seed, 0]).numpy()
    train, test = draw[:TRAIN_POINTS], draw[TRAIN_POINTS:]
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    log_p = target.log_prob(test).numpy() + np.log(deviation).sum()
    return (train - mean) / deviation, (test - mean) / deviation, log_p


def measure(target, seed, names, pythons):
    """Returns for each contestant the log-ratios log p - log q at the test points, and steps."""
    train, test, log_p = points_of(target, seed)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        points, answer = pathlib.Path(folder, "points.npz"), pathlib.Path(folder, "answer.npz")
        np.savez(points, train=train.astype(np.float32), test=test.astype(np.float32))
        for name in names:
            spec, peak_rate = SETTINGS[name]
            arguments = {
                "spec": dataclasses.asdict(spec),
                "variant": CONTESTANTS[name].variant,
                "points": str(points),
                "answer": str(answer),
                "seconds": SECONDS,
                "peak_rate": peak_rate,
            }
            worker = [*command(name, pythons), "quality", json.dumps(arguments)]
            subprocess.run(worker, check=True, stderr=subprocess.DEVNULL)
            with np.load(answer) as file:
                results[name] = log_p - file["log_prob"], int(file["steps"])
    return results


def mean_and_error(ratios):
    """Returns a mean and its standard error, rounded."""
    return [round(float(v), 5) for v in (ratios.mean(), ratios.std() / np.sqrt(len(ratios)))]


def row(target, seed, pythons):
    """Returns the results of one target and one seed."""
    results = measure(targets.make(target), seed, SETTINGS, pythons)
    ours = results[OURS][0]
    return {
        "target": target,
        "seed": seed,
        "kl": {name: mean_and_error(ratios) for name, (ratios, _) in results.items()},
        # Above 0 where the peer is worse, on the same points.
        "behind_ours": {
            name: mean_and_error(ratios - ours)
            for name, (ratios, _) in results.items()
            if name != OURS
        },
        "steps": {name: steps for name, (_, steps) in results.items()},
    }


def main(jax_python, torch_python, *names):
    """Measures what is missing, prints and writes results/quality.json."""
    pythons = {"own": sys.executable, "jax": jax_python, "torch": torch_python}
    path = RESULTS / "quality.json"
    settings = {name: [dataclasses.asdict(s), rate] for name, (s, rate) in SETTINGS.items()}
    head = {
        "what": f"Spline flows, {SECONDS} s of training with compilation: KL to the exact density "
        "and how far a peer is behind, each with its standard error, in nats",
        "settings": settings,
        "train_points": TRAIN_POINTS,
        "test_points": TEST_POINTS,
    }
    record = json.loads(path.read_text()) if path.exists() else {}
    rows = record["rows"] if record.get("settings") == settings else []
    done = {(row["target"], row["seed"]) for row in rows}
    for seed in SEEDS:
        for name in names or TARGETS:
            if (name, seed) not in done:
                rows.append(row(name, seed, pythons))
                print(name, seed, rows[-1]["kl"], flush=True)
                write_result("quality", "make bench BENCH=quality", {**head, "rows": rows})


if __name__ == "__main__":
    main(*sys.argv[1:])
