"""The stacks of planar layers that the chapter on planar and radial flows shows.

Each is fitted by reverse KL from three seeds, and the best is kept. The weights go to
data/planar_fits.json, with the machine, the date and all the divergences, because the chapter
must find them in a hosted notebook too. All of it takes longer than a chapter may.
"""

import json
import pathlib
import time

import numpy as np
import scipy.integrate
import tensorflow as tf
import tensorflow_probability as tfp
from machine import describe

from normflows_tut import evaluation, flows, targets, training

tfd = tfp.distributions

PATH = pathlib.Path(__file__).parents[1] / "data" / "planar_fits.json"
SEEDS = (0, 1, 2)
SETTING = {"num_steps": 4_000, "batch_size": 512, "annealing_steps": 2_000}
PEAK_RATE = 5e-3
TEST_POINTS, TEST_SEED = 50_000, 1_000
ALL_DEPTHS = (1, 2, 4, 8, 16, 32)
DEPTHS = {
    "two": ALL_DEPTHS,
    "ring": (32,),
    "U1": (2, 8, 32),
    "U2": (2, 8, 32),
    "U3": ALL_DEPTHS,
    "U4": (2, 8, 32),
}


def two():
    """Two Gaussians of standard deviation 0.4 at (-2, 0) and (2, 0)."""
    centres = tf.constant([[-2.0, 0.0], [2.0, 0.0]])
    parts = tfd.MultivariateNormalDiag(centres, tf.fill([2, 2], 0.4))
    return tfd.MixtureSameFamily(tfd.Categorical(logits=[0.0, 0.0]), parts).log_prob


def ring():
    """A ring of radius 2, and the log of its integral."""

    def log_density(z):
        return -0.5 * ((tf.norm(z, axis=-1) - 2.0) / 0.3) ** 2

    r = np.linspace(0.0, 6.0, 60_001)
    mass = 2 * np.pi * r * np.exp(-0.5 * ((r - 2.0) / 0.3) ** 2)
    return log_density, float(np.log(scipy.integrate.trapezoid(mass, r)))


def target_of(name):
    """Returns a log-density and the log of its integral."""
    if name == "two":
        return two(), 0.0
    if name == "ring":
        return ring()
    energy = targets.energy(name, wall=4.0)
    return lambda z: -energy(z), energy.log_normalizer


def fit(name, depth, seed):
    """Returns the divergence of one fit, an `Estimate`, and its weights `[depth, 5]`."""
    log_density, log_normalizer = target_of(name)
    flow = flows.planar(2, depth, seed=seed)
    rate = training.cosine_decay(PEAK_RATE, SETTING["num_steps"])
    training.fit_reverse_kl(
        flow, log_density, learning_rate=rate, seed=seed, progress=False, **SETTING
    )
    kl = evaluation.reverse_kl(log_density, flow, TEST_POINTS, TEST_SEED)
    *inner, last = flows.layers(flow)
    planars = [*inner, last.bijectors[-1]]  # the last carries the standardising step
    weights = [[*layer.u.numpy(), *layer.w.numpy(), layer.b.numpy()] for layer in planars]
    return evaluation.Estimate(kl.value + log_normalizer, kl.standard_error), weights


def row_of(name, depth):
    """Returns what is kept of one target and depth, as a dict."""
    start = time.perf_counter()
    fits = [fit(name, depth, seed) for seed in SEEDS]
    best = int(np.argmin([kl.value for kl, _ in fits]))
    kl, weights = fits[best]
    return {
        "target": name,
        "depth": depth,
        "kl": round(kl.value, 4),
        "standard_error": round(kl.standard_error, 5),
        "seed": SEEDS[best],
        "kl_of_each_seed": [round(each.value, 4) for each, _ in fits],
        "seconds": round(time.perf_counter() - start, 1),
        # Nine digits give a float32 back to the bit.
        "u1 u2 w1 w2 b": [[float(f"{v:.9g}") for v in row] for row in weights],
    }


def write(rows):
    """Writes data/planar_fits.json, one fit a line."""
    record = {
        "what": "Planar stacks fitted by reverse KL; the best of three seeds. KL in nats.",
        "command": "make bench BENCH=planar_energies",
        **describe(),
        "setting": {**SETTING, "peak_rate": PEAK_RATE},
    }
    head = json.dumps(record, indent=1)[:-2]
    lines = ",\n".join(json.dumps(row) for row in rows)
    PATH.write_text(f'{head},\n "fits": [\n{lines}\n]}}\n')


def main():
    """Fits all, writing after each."""
    rows = []
    for name, depths in DEPTHS.items():
        for depth in depths:
            rows.append(row_of(name, depth))
            print({key: value for key, value in rows[-1].items() if " " not in key}, flush=True)
            write(rows)


if __name__ == "__main__":
    main()
