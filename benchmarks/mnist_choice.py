"""How the settings of mnist.py were chosen: by images held back, after equal times of training.

Trained on the first 50,000 of the training images, judged on the last 10,000; each row says what
it changes. A run that was stopped goes on with the next row.

    python benchmarks/mnist_choice.py [FOLDER]       # of the four IDX files, if not downloaded
"""

import json
import sys

from machine import RESULTS, resume, write_result
from timed import fit_for

from normflows_tut import datasets, evaluation, flows

SECONDS, SEED = 200, 0
MNIST = (28, 28, 1)
TRAINING = {"batch_size": 64, "peak_rate": 5e-3, "clip_norm": 100.0}
RUNS = {
    "mnist": {
        "build": flows.multiscale_neural_spline,
        "setting": {"num_couplings": 2, "num_bins": 8, "hidden_channels": 32, "num_blocks": 2},
        "training": TRAINING,
        "changes": (
            {},
            {"peak_rate": 2e-3},
            {"peak_rate": 1e-2},
            {"peak_rate": 2e-2},
            {"peak_rate": 1e-2, "num_blocks": 1},
            {"num_bins": 4},
            {"num_bins": 16},
            {"num_couplings": 1},
            {"num_couplings": 3},
            {"hidden_channels": 48},
            {"num_blocks": 1},
            {"activation": "silu"},
            {"noise": "uniform"},
            {"transform": "affine"},
        ),
    },
    "glow": {
        "build": flows.glow,
        "setting": {
            "num_steps": [4, 8],
            "num_bins": 8,
            "hidden_channels": [32, 64],
            "num_blocks": 1,
            "transform": "spline",
        },
        "training": TRAINING | {"peak_rate": 1e-2},
        "changes": (
            {},
            {"start": "rotation"},
            {"parametrization": "qr"},
            {"parametrization": "householder"},
            {"parametrization": "fixed"},
            {"transform": "affine"},
            {"num_steps": 4, "hidden_channels": 32},
            {"peak_rate": 5e-3},
            # Those of the chapter on images, in the setting chosen there: splines, and RealNVP.
            {"flow": "mnist"},
            {"flow": "mnist", "transform": "affine"},
        ),
    },
}


def chosen(key):
    """Returns the setting and the training of the row with the fewest bits, for Glow the first.

    Glow is trained for hours: what has learned most after minutes is too small for that.
    """
    if key == "glow":
        return changed(RUNS[key], {})
    rows = json.loads((RESULTS / f"{key}_choice.json").read_text())["rows"]
    return changed(RUNS[key], min(rows, key=lambda row: row["bits_per_dim"])["change"])


def changed(run, change):
    """Returns the setting and the training of a run with a change."""
    of_training = {key: value for key, value in change.items() if key in run["training"]}
    of_setting = {key: value for key, value in change.items() if key not in run["training"]}
    return run["setting"] | of_setting, run["training"] | of_training


def build(key, *, noise="learned", seed=SEED, **setting):
    """Returns a flow on the pixels of MNIST."""
    make = RUNS[key]["build"]
    if key == "mnist" and setting.pop("transform", "spline") == "affine":
        make = flows.multiscale_real_nvp
        del setting["num_bins"]
    learned = [flows.dequantization()] if noise == "learned" else []
    return flows.append(make(MNIST, **setting, seed=seed), flows.pixel_range(), *learned)


def row_of(key, change, train, validation):
    """Returns what one setting reaches."""
    if "flow" in change:
        key, others = change["flow"], {k: v for k, v in change.items() if k != "flow"}
        setting, how = chosen(key)
        setting |= others
    else:
        setting, how = changed(RUNS[key], change)
    flow = build(key, **setting)
    # On a CPU, convolutions inside a loop that XLA compiles take twenty times as long: image_speed.
    history = fit_for(flow, train, SECONDS, seed=SEED, jit_compile=False, **how)
    bits = evaluation.bits_per_dim(flow, validation)
    return {
        "change": change,
        "weights": sum(int(variable.shape.num_elements()) for variable in flow.trainable_variables),
        "images": len(history.loss) * how["batch_size"],
        "bits_per_dim": round(float(bits.value), 4),
        "standard_error": round(float(bits.standard_error), 4),
    }


def main(key, folder=None):
    """Measures what is missing, prints and writes results/KEY_choice.json."""
    train, validation = (
        datasets.images("mnist", split, full=True, path=folder) for split in ("train", "validation")
    )
    name, run = f"{key}_choice", RUNS[key]
    head = {
        "what": f"Bits per dimension of MNIST's validation images after {SECONDS} s of training",
        "setting": run["setting"] | run["training"],
    }
    rows = resume(name, head).get("rows", [])
    measured = [row["change"] for row in rows]
    missing = [change for change in run["changes"] if change not in measured]
    for change in missing:
        rows.append(row_of(key, change, train, validation))
        print(rows[-1], flush=True)
        unfinished = change != missing[-1]
        content = {**head, "rows": rows}
        write_result(name, f"make bench BENCH={name}", content, unfinished=unfinished)


if __name__ == "__main__":
    main("mnist", *sys.argv[1:])
