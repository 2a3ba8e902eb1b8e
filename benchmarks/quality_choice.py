"""How each library's setting for quality.py was chosen: on another target, by the same rules.

The target is a figure of eight with four round clumps beside it. From one common setting, one
thing is changed at a time; then all changes that helped are made together; the best row counts.

    python benchmarks/quality_choice.py JAX_PYTHON TORCH_PYTHON
"""

import dataclasses
import functools
import sys

import numpy as np
import quality
import scipy.special
from contest import Spec
from contestants import peer_versions
from machine import on_all_cores, resume, write_result

SEED = 0
BASE = {"layers": 4, "units": 64, "bins": 16, "peak_rate": 3e-3}
CHANGES = (
    {},
    {"peak_rate": 1e-3},
    {"peak_rate": 1e-2},
    {"peak_rate": 2e-2},
    {"layers": 2},
    {"layers": 6},
    {"bins": 8},
    {"bins": 32},
    {"units": 32},
    {"units": 128},
)


class EightAndClumps:
    """A mixture of normal distributions: 256 along a figure of eight, and 4 beside it."""

    def __init__(self):
        t = np.linspace(0, 2 * np.pi, 256, endpoint=False)
        eight = np.stack([3 * np.sin(t), 2 * np.sin(2 * t)], axis=-1)
        clumps = np.array([[0.0, 2.5], [0.0, -2.5], [4.0, 0.0], [-4.0, 0.0]])
        self._centres = np.concatenate([eight, clumps])
        self._deviations = np.repeat([0.12, 0.3], [256, 4])
        self._weights = np.repeat([0.6 / 256, 0.4 / 4], [256, 4])

    def sample(self, count, seed):
        """Draws points [count, 2]."""
        generator = np.random.default_rng(seed)
        which = generator.choice(len(self._weights), size=count, p=self._weights)
        noise = generator.normal(size=[count, 2]) * self._deviations[which, np.newaxis]
        return self._centres[which] + noise

    def log_prob(self, points):
        """Log-densities of points."""
        square = ((points[:, np.newaxis] - self._centres) ** 2).sum(axis=-1)
        variance = self._deviations**2
        log_parts = np.log(self._weights / (2 * np.pi * variance)) - square / (2 * variance)
        return scipy.special.logsumexp(log_parts, axis=-1)


@functools.cache
def points():
    """Returns the train and test points, and the exact log-densities of the latter."""
    return quality.points_of(EightAndClumps(), SEED)


def row(name, change, pythons):
    """Returns what one library reaches with one change."""
    setting = BASE | change
    peak_rate = setting.pop("peak_rate")
    spec = Spec("spline", 2, **setting)
    [(ratios, steps)] = quality.measure(points(), [(name, spec, peak_rate)], pythons)
    return {
        "name": name,
        "change": change,
        "spec": dataclasses.asdict(spec),
        "peak_rate": peak_rate,
        "kl": quality.mean_and_error(ratios),
        "steps": steps,
    }


def all_that_helped(rows):
    """Returns the single changes of one library that were better than none, together."""
    base = next(row["kl"][0] for row in rows if not row["change"])
    helped = [row for row in rows if row["kl"][0] < base and len(row["change"]) == 1]
    together = {}
    for row in sorted(helped, key=lambda row: -row["kl"][0]):  # of two rates the better one stays
        together |= row["change"]
    return together


def main(jax_python, torch_python):
    """Measures, prints and writes results/quality_choice.json."""
    pythons = {"own": sys.executable, "jax": jax_python, "torch": torch_python}
    head = {
        "what": f"KL to a figure of eight with four clumps after {quality.SECONDS} s of training "
        "on one core, in nats, with its standard error",
        "base": BASE,
        "peers": peer_versions(),
    }
    rows = resume("quality_choice", head).get("rows", [])
    points()  # before the threads: once

    def write(more, unfinished):
        rows.sort(key=lambda row: (quality.NAMES.index(row["name"]), row["kl"][0]))
        content, command = {**head, "rows": rows, **more}, "make bench BENCH=quality_choice"
        return write_result("quality_choice", command, content, unfinished=unfinished)

    def measure(tasks):
        done = [(row["name"], row["change"]) for row in rows]
        missing = [task for task in tasks if task not in done]
        for new in on_all_cores(lambda task: row(*task, pythons), missing):
            print(new, flush=True)
            rows.append(new)
            write({}, unfinished=True)

    measure([(name, change) for change in CHANGES for name in quality.NAMES])
    measure(
        [
            (name, all_that_helped([row for row in rows if row["name"] == name]))
            for name in quality.NAMES
        ]
    )
    chosen = {}
    for best in sorted(rows, key=lambda row: row["kl"][0]):
        chosen.setdefault(best["name"], {key: best[key] for key in ("spec", "peak_rate", "kl")})
    print(f"Written to {write({'chosen': chosen}, unfinished=False)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
