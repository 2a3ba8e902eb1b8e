"""Which way should the splines of a flow lead, from base to data or from data to base?

Couplings of either kind learn the target of quality_choice.py, as it is and with its coordinates
exchanged (the layers are not alike in them), three seeds each, in equally many steps.

    python benchmarks/spline_direction.py
"""

import numpy as np
import quality
import tensorflow_probability as tfp
from machine import write_result
from quality_choice import EightAndClumps

from normflows_tut import bijectors, evaluation, training
from normflows_tut.flows.composition import compose
from normflows_tut.networks import MLP

STEPS, SEEDS, LAYERS, BINS, UNITS, PEAK_RATE = 8000, (0, 1, 2), 4, 16, 64, 3e-3


def from_data(raw):
    """The spline of `raw`, turned round."""
    return tfp.bijectors.Invert(bijectors.RationalQuadraticSpline(raw))


TRANSFORMS = {"to the data": bijectors.RationalQuadraticSpline, "to the base": from_data}


def divergence(transform, points, exchanged, seed):
    """Trains one flow; returns its KL."""
    train, test, log_p = points
    if exchanged:
        train, test = train[:, ::-1], test[:, ::-1]
    couplings = [
        bijectors.Coupling(
            2, MLP(1, 3 * BINS - 1, (UNITS, UNITS), seed=[seed, k]), transform, flip=k % 2 == 1
        )
        for k in range(LAYERS)
    ]
    flow = compose(couplings, 2, "float32", "splines")
    training.fit(
        flow,
        train.astype(np.float32),
        num_steps=STEPS,
        learning_rate=training.cosine_decay(PEAK_RATE, STEPS, warmup=200),
        seed=seed,
        progress=False,
    )
    log_q = evaluation.log_density(flow, test.astype(np.float32))
    return round(float(np.mean(log_p - log_q)), 5)


def main():
    """Measures, prints and writes results/spline_direction.json."""
    points, kl = quality.points_of(EightAndClumps(), 0), {}
    for name, transform in TRANSFORMS.items():
        runs = [(exchanged, seed) for exchanged in (False, True) for seed in SEEDS]
        kl[name] = [divergence(transform, points, *run) for run in runs]
        error = np.std(kl[name], ddof=1) / np.sqrt(len(runs))
        print(f"{name}: {np.mean(kl[name]):.4f} +- {error:.4f}", kl[name], flush=True)
    content = {
        "what": f"KL in nats to a figure of eight with four clumps after {STEPS} steps, of "
        f"{LAYERS} couplings whose splines of {BINS} bins lead one way or the other: three seeds, "
        "then three with the coordinates exchanged",
        "kl": kl,
    }
    path = write_result("spline_direction", "make bench BENCH=spline_direction", content)
    print(f"Written to {path}.")


if __name__ == "__main__":
    main()
