"""Shuttle, digits and patches: test log-likelihood after equal times, beside zuko and nflows.

All train on the same rows, standardised by the training rows, for the same wall-clock time on one
core each; what counts are the weights that were best on the validation rows. Five seeds, which
give the runs other weights and batches; the splits stay. The learning rate, the width and, for our
affine layers, the bound of their scales are chosen for each contestant and table by a run of half
the time, by the validation rows. Few rows are soon learned by heart: the best weights then come
early, while the rate is high. So on the smallest table runs of fewer steps, over which the rate
falls, are among those to choose from. A run that was stopped goes on where it was.

    python benchmarks/tables.py TORCH_PYTHON
"""

import dataclasses
import itertools
import sys

import numpy as np
import quality
from contest import Spec
from contestants import OURS, peer_versions
from machine import on_all_cores, resume, write_result

from normflows_tut import datasets

TABLES, SEEDS = ("shuttle", "digits", "patches"), (0, 1, 2, 3, 4)
CHOICE_SEED = 100  # another than those that count
MODELS = {
    "MADE": Spec("made", 0, 1, 0),
    "RealNVP": Spec("real_nvp", 0, 5, 0),
    "MAF": Spec("maf", 0, 5, 0),
    "NSF, couplings": Spec("spline", 0, 5, 0, bins=8),
    "NSF, autoregressive": Spec("autoregressive_spline", 0, 5, 0, bins=8),
}
LIBRARIES = {OURS: tuple(MODELS), "zuko": tuple(MODELS)[2:], "nflows": tuple(MODELS)[2:]}
CONTESTANTS = tuple((library, model) for library in LIBRARIES for model in LIBRARIES[library])
CHOICES = tuple(itertools.product((64, 256), (5e-4, 2e-3)))  # units, peak of the rate
SCALE_BOUNDS = (3.0, 1.0, 0.5)  # of our affine layers; those of the others are what they are
SHORTER = {"digits": (1000, 400)}  # steps
SECONDS, CHOICE_SECONDS = 60, 30
SETTING = ("units", "peak_rate", "log_scale_bound", "max_steps")
CONTEST = ("table", "library", "model")


def rows_of(table):
    """Returns the three splits, standardised, and the log-determinant of that."""
    splits = {split: datasets.tabular(table, split) for split in ("train", "validation", "test")}
    mean, deviation = splits["train"].mean(axis=0), splits["train"].std(axis=0)
    log_det = -np.log(deviation.astype(np.float64)).sum()
    return {name: (rows - mean) / deviation for name, rows in splits.items()}, log_det


def gaussian(rows):
    """Returns the log-densities of the test rows under the normal distribution of the others."""
    train, test = rows["train"].astype(np.float64), rows["test"]
    centred = test - train.mean(axis=0)
    root = np.linalg.cholesky(np.cov(train.T))
    z = np.linalg.solve(root, centred.T)
    log_det = np.log(np.diag(root)).sum()
    return -0.5 * (z**2).sum(axis=0) - log_det - 0.5 * len(z) * np.log(2 * np.pi)


def scale_bounds(library, model):
    """Returns the bounds on the log-scale that a contestant may choose from."""
    affine = library == OURS and MODELS[model].kind in ("made", "real_nvp", "maf")
    return SCALE_BOUNDS if affine else (None,)


def task_of(row):
    """Returns the task that a row answers."""
    return tuple(row[field] for field in (*CONTEST, *SETTING, "seed"))


def measure(task, pythons, seconds):
    """Trains one contestant; returns its row."""
    table, library, model, units, rate, scale_bound, max_steps, seed = task
    rows, log_det = rows_of(table)
    width = rows["train"].shape[1]
    spec = dataclasses.replace(
        MODELS[model], dimensions=width, units=units, log_scale_bound=scale_bound
    )
    answer = quality.answer_of(
        rows, library, spec, rate, pythons, seconds=seconds, max_steps=max_steps, seed=seed
    )
    return {
        "table": table,
        "library": library,
        "model": model,
        "units": units,
        "peak_rate": rate,
        "log_scale_bound": scale_bound,
        "max_steps": max_steps,
        "seed": seed,
        "validation": round(float(answer["validation"]) + log_det, 4),
        "test": quality.mean_and_error(answer["log_prob"] + log_det),
        "steps": int(answer["steps"]),
    }


def main(torch_python):
    """Measures what is missing, prints and writes results/tables.json."""
    pythons = {"own": sys.executable, "torch": torch_python}
    head = {
        "what": f"Mean log-likelihood of the test rows in nats after {SECONDS} s of training on "
        "one core, with its standard error, and of the validation rows",
        "peers": peer_versions(),
        "choice_seconds": CHOICE_SECONDS,
        "gaussian": {},
    }
    for table in TABLES:
        rows, log_det = rows_of(table)
        head["gaussian"][table] = quality.mean_and_error(gaussian(rows) + log_det)
    record = resume("tables", head)
    found = {key: record.get(key, []) for key in ("choice", "shorter", "rows")}

    def run(key, tasks, seconds):
        # Rows of an earlier choice do not count.
        found[key] = [row for row in found[key] if task_of(row) in tasks]
        missing = [task for task in tasks if task not in map(task_of, found[key])]
        for row in on_all_cores(lambda task: measure(task, pythons, seconds), missing):
            print(row, flush=True)
            found[key].append(row)
            write_result("tables", COMMAND, {**head, **found}, unfinished=True)

    choice = [
        (table, *contestant, *setting, bound, None, CHOICE_SEED)
        for table, contestant, setting in itertools.product(TABLES, CONTESTANTS, CHOICES)
        for bound in scale_bounds(*contestant)
    ]
    run("choice", choice, CHOICE_SECONDS)
    shorter = [
        (*(row[field] for field in (*CONTEST, *SETTING[:-1])), steps, CHOICE_SEED)
        for row in found["choice"]
        for steps in SHORTER.get(row["table"], ())
        if steps < row["steps"]  # else it is the same run
    ]
    run("shorter", shorter, CHOICE_SECONDS)
    chosen = {}
    for row in sorted(found["choice"] + found["shorter"], key=lambda row: row["validation"]):
        chosen[tuple(row[field] for field in CONTEST)] = tuple(row[field] for field in SETTING)
    # Seed by seed, so that a stopped run has all contestants.
    tasks = [
        (table, *contestant, *chosen[table, *contestant], seed)
        for seed, table, contestant in itertools.product(SEEDS, TABLES, CONTESTANTS)
    ]
    run("rows", tasks, SECONDS)
    print(f"Written to {write_result('tables', COMMAND, {**head, **found})}.")


COMMAND = "make bench BENCH=tables"

if __name__ == "__main__":
    main(sys.argv[1])
