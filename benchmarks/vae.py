"""Variational autoencoders with five posteriors on MNIST: after equal steps, after equal time.

All have the same encoder and decoder; the posterior alone differs. Each is trained on the 50,000
training images, binarized anew in every step, for as long as the others, at one constant rate, so
that what a run is worth after fewer steps can be read off on the way. Judged on the 10,000 test
images, binarized once. Every run has one processor core of its own: as many as there are cores go
side by side. A run that was stopped goes on with the next row.

    python benchmarks/vae.py [FOLDER]        # of the four IDX files, if not downloaded
"""

import json
import subprocess
import sys

import numpy as np
import tensorflow as tf
from machine import on_all_cores, resume, write_result

from normflows_tut import datasets, flows, training
from normflows_tut.networks import Decoder, Encoder

SHAPE, LATENTS, CONTEXT = (28, 28, 1), 40, 300
SECONDS, STEPS, SEEDS = 240, 8000, 5
TRAINING = {"batch_size": 128, "learning_rate": 1e-3}
NUM_SAMPLES = 100  # of the importance-weighted bound
BLOCK = 50  # test images at a time
POSTERIORS = {
    "no flow": lambda seed: flows.conditional_normal(LATENTS, CONTEXT, (), seed=seed),
    "planar": lambda seed: flows.planar(
        LATENTS, 16, context_size=CONTEXT, hidden_units=(), seed=seed
    ),
    "radial": lambda seed: flows.radial(
        LATENTS, 16, context_size=CONTEXT, hidden_units=(), seed=seed
    ),
    "IAF": lambda seed: flows.inverse_autoregressive(
        LATENTS, 2, (320,), context_size=CONTEXT, seed=seed
    ),
    "spline": lambda seed: flows.neural_spline(
        LATENTS, 2, 8, (320,), context_size=CONTEXT, seed=seed
    ),
}


def build(posterior, seed):
    """Returns the autoencoder."""
    return flows.VAE(
        Encoder(SHAPE, CONTEXT, (300,), seed=seed),
        Decoder(LATENTS, SHAPE, (300, 300), seed=seed),
        POSTERIORS[posterior](seed),
    )


def judged(vae, test):
    """Returns the mean negative ELBO and importance-weighted bound of binary images, in nats."""

    @tf.function(jit_compile=True)
    def bounds(x, seed):
        weights = tf.add(*vae.terms(x, num_samples=NUM_SAMPLES, seed=seed))
        best = tf.reduce_logsumexp(weights, axis=0) - np.log(NUM_SAMPLES)
        return tf.reduce_mean(weights, axis=0), best

    blocks = test.reshape(-1, BLOCK, *SHAPE)
    found = [bounds(tf.constant(x), tf.constant([0, k])) for k, x in enumerate(blocks)]
    elbo, evidence = (np.concatenate([pair[i] for pair in found]) for i in (0, 1))
    return {
        "negative_elbo": round(-float(np.mean(elbo)), 3),
        "importance_weighted": round(-float(np.mean(evidence)), 3),
    }


def row_of(posterior, seed, train, test):
    """Trains one autoencoder and returns what it reaches."""
    vae = build(posterior, seed)
    history = training.fit_elbo(
        vae,
        train,
        num_steps=10_000_000,  # more than fit: the time ends the run
        max_seconds=SECONDS,
        snapshot_every=STEPS,
        seed=seed,
        jit_compile=True,
        progress=False,
        **TRAINING,
    )
    if len(history.loss) < STEPS:
        raise SystemExit(f"{posterior}: {len(history.loss)} steps in {SECONDS} s, {STEPS} needed.")
    after_time = judged(vae, test)
    at_steps = dict(history.snapshots)[STEPS]
    for variable, value in zip(vae.variables, at_steps, strict=True):
        variable.assign(value)
    return {
        "posterior": posterior,
        "seed": seed,
        "weights": sum(int(v.shape.num_elements()) for v in vae.trainable_variables),
        "steps": len(history.loss),
        "compile_seconds": round(history.compile_seconds, 1),
        "equal_steps": judged(vae, test),
        "equal_time": after_time,
    }


def images(split, folder):
    """Returns a split of MNIST, the test images binarized."""
    pixels = datasets.images("mnist", split, full=True, path=folder)
    if split != "test":
        return pixels
    uniform = np.random.default_rng(0).random(pixels.shape)
    return (255.0 * uniform < pixels).astype(np.float32)


def row_elsewhere(posterior, seed, folder):
    """Returns `row_of`, of a process of its own, which has the core of the calling thread."""
    worker = [
        sys.executable,
        __file__,
        "--row",
        posterior,
        str(seed),
        *([folder] if folder else []),
    ]
    done = subprocess.run(worker, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(folder=None):
    """Measures what is missing, prints and writes results/vae.json."""
    head = {
        "what": "Negative ELBO, and importance-weighted bound, of the binarized test images of "
        "MNIST, in nats; one core each",
        "seconds": SECONDS,
        "steps": STEPS,
        "training": TRAINING,
        "num_samples": NUM_SAMPLES,
    }
    rows = resume("vae", head).get("rows", [])
    done = [(row["posterior"], row["seed"]) for row in rows]
    missing = [(p, seed) for seed in range(SEEDS) for p in POSTERIORS if (p, seed) not in done]
    for row in on_all_cores(lambda task: row_elsewhere(*task, folder), missing):
        rows.append(row)
        print(row, flush=True)
        unfinished = len(rows) < SEEDS * len(POSTERIORS)
        write_result("vae", "make bench BENCH=vae", {**head, "rows": rows}, unfinished=unfinished)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        posterior, seed, *folder = sys.argv[2:]
        of_split = (images(split, *(folder or [None])) for split in ("train", "test"))
        print(json.dumps(row_of(posterior, int(seed), *of_split)))
    else:
        main(*sys.argv[1:])
