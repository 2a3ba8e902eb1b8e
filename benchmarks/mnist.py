"""The digits of the chapters on images and on Glow: flows trained on all of MNIST, judged once.

Trained on all 60,000 training images, in the setting that mnist_choice.py gives; it was found
without the test images, which are looked at once, when the training is over. `mnist` is the spline
flow of couplings by checkerboard and channel, `glow` the one whose channels are mixed. The weights
go to data/mnist_spline.npz or data/mnist_glow.npz. A run that was stopped, or whose hours are over,
goes on from `KEY_checkpoint.npz` in the current folder when the same command is given again.

    python benchmarks/mnist.py [FOLDER] [--hours 1]  # of the four IDX files, if not downloaded
"""

import argparse
import hashlib
import pathlib

import numpy as np
from machine import write_result
from mnist_choice import build, chosen

from normflows_tut import datasets, evaluation, flows, training

SEED = 0
DATA = pathlib.Path(__file__).parents[1] / "data"
RUNS = {
    "mnist": {"epochs": 30, "weights": DATA / "mnist_spline.npz"},
    "glow": {"epochs": 40, "weights": DATA / "mnist_glow.npz"},
}


def main(key="mnist", folder=None, hours=None):
    """Trains or goes on; at the end measures and writes the weights and results/KEY.json."""
    epochs, weights, checkpoint = RUNS[key]["epochs"], RUNS[key]["weights"], f"{key}_checkpoint.npz"
    images = np.concatenate(
        [datasets.images("mnist", s, full=True, path=folder) for s in ("train", "validation")]
    )
    setting, how = chosen(key)
    batch_size, peak_rate = how["batch_size"], how["peak_rate"]
    num_steps = epochs * len(images) // batch_size
    flow = build(key, **setting, seed=SEED)
    history = training.fit(
        flow,
        images,
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=training.cosine_decay(peak_rate, num_steps, warmup=1000),
        clip_norm=how["clip_norm"],
        seed=SEED,
        checkpoint=checkpoint,
        checkpoint_every=500,
        steps_per_call=25,
        jit_compile=False,
        max_seconds=None if hours is None else 3600 * hours,
    )
    bits = np.mean(history.loss[-500:]) / images[0].size / np.log(2)
    print(f"{len(history.loss):,} of {num_steps:,} steps, {bits:.4f} bits in the last 500")
    if history.stop_reason != "finished":
        print(f"{history.stop_reason}: the same command goes on from {checkpoint}.")
        return
    flows.save(flow, weights)
    test = datasets.images("mnist", "test", full=True, path=folder)
    found = evaluation.bits_per_dim(flow, test)
    content = {
        "what": "Bits per dimension of the 10,000 test images of MNIST",
        "setting": setting,
        "training": {**how, "epochs": epochs, "seed": SEED, "images": len(images)},
        "weights": sum(int(variable.shape.num_elements()) for variable in flow.trainable_variables),
        "hours": round(history.seconds / 3600, 2),
        "bits_per_dim": round(float(found.value), 4),
        "standard_error": round(float(found.standard_error), 4),
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    print(content)
    print(f"Written to {write_result(key, f'make bench BENCH={key}', content)} and {weights}.")


def run(key):
    """Runs `main` with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--hours", type=float)
    main(key, **vars(parser.parse_args()))


if __name__ == "__main__":
    run("mnist")
