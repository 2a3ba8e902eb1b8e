"""Glow in colour: emoji, with the weights for the chapter on Glow.

Trained on 1,158 emoji, each as it is and mirrored, until those of the validation part are no longer
better learned; of the settings in `CHANGES` the one that is best on them goes to
data/emoji_glow.npz, and is judged on the test part, once. `COMPARED` tells what learning the
matrices is worth, and takes no part in the choice.

    python benchmarks/emoji.py
"""

import hashlib
import pathlib

import numpy as np
from machine import write_result

from normflows_tut import datasets, evaluation, flows, training

SHAPE, SEED, SECONDS = (32, 32, 3), 0, 360
WEIGHTS = pathlib.Path(__file__).parents[1] / "data" / "emoji_glow.npz"
SETTING = {
    "num_levels": 3,
    "num_steps": 4,
    "hidden_channels": [32, 48, 48],
    "num_blocks": 1,
    "transform": "spline",
    "num_bins": 4,
}
CHANGES = ({}, {"transform": "affine"}, {"num_bins": 8}, {"num_steps": 6})
COMPARED = ({"parametrization": "fixed"}, {"start": "rotation"})
TRAINING = {"batch_size": 32, "peak_rate": 5e-3, "num_steps": 3000, "patience": 10}


def changed(change):
    """Returns `SETTING` with a change; an affine coupling has no bins."""
    setting = SETTING | change
    if setting["transform"] == "affine":
        del setting["num_bins"]
    return setting


def build(setting):
    """Returns a flow on the pixels of emoji."""
    return flows.append(
        flows.glow(SHAPE, **setting, seed=SEED),
        flows.pixel_range(),
        flows.dequantization(SHAPE[-1]),
    )


def fitted(setting, train, validation):
    """Returns a trained flow, its `History`, and its bits on the validation emoji."""
    flow = build(setting)
    history = training.fit(
        flow,
        train,
        num_steps=TRAINING["num_steps"],
        batch_size=TRAINING["batch_size"],
        learning_rate=training.cosine_decay(
            TRAINING["peak_rate"], TRAINING["num_steps"], warmup=200
        ),
        clip_norm=100.0,
        validation_data=validation,
        validation_every=100,
        patience=TRAINING["patience"],
        steps_per_call=25,
        jit_compile=False,
        max_seconds=SECONDS,
        seed=SEED,
        progress=False,
    )
    return flow, history, evaluation.bits_per_dim(flow, validation)


def main():
    """Trains, chooses, measures and writes the weights and results/emoji.json."""
    train, validation, test = (
        datasets.images("emoji", split) for split in ("train", "validation", "test")
    )
    train = np.concatenate([train, train[:, :, ::-1]])
    rows, best = [], None
    for change in CHANGES + COMPARED:
        flow, history, bits = fitted(changed(change), train, validation)
        rows.append(
            {
                "change": change,
                "weights": sum(int(v.shape.num_elements()) for v in flow.trainable_variables),
                "steps": len(history.loss),
                "seconds": round(history.seconds),
                "validation_bits": round(float(bits.value), 4),
            }
        )
        print(rows[-1], flush=True)
        if change in COMPARED:
            continue
        if best is None or rows[-1]["validation_bits"] < best[1]["validation_bits"]:
            best = flow, rows[-1]
    flow, row = best
    flows.save(flow, WEIGHTS)
    found = evaluation.bits_per_dim(flow, test)
    content = {
        "what": "Bits per dimension of the 144 test emoji",
        "setting": changed(row["change"]),
        "training": TRAINING | {"seconds": SECONDS, "seed": SEED},
        "rows": rows,
        "bits_per_dim": round(float(found.value), 4),
        "standard_error": round(float(found.standard_error), 4),
        "weights_sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
    }
    print(content)
    print(f"Written to {write_result('emoji', 'make bench BENCH=emoji', content)} and {WEIGHTS}.")


if __name__ == "__main__":
    main()
