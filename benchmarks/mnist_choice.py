"""How the setting of mnist.py was chosen: by images held back, after equal times of training.

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
BASE = {"num_couplings": 2, "num_bins": 8, "hidden_channels": 32, "num_blocks": 2}
TRAINING = {"batch_size": 64, "peak_rate": 5e-3, "clip_norm": 100.0}
CHANGES = (
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
)
COMMAND = "make bench BENCH=mnist_choice"


def chosen():
    """Returns the setting and the training of the row with the fewest bits."""
    rows = json.loads((RESULTS / "mnist_choice.json").read_text())["rows"]
    change = min(rows, key=lambda row: row["bits_per_dim"])["change"]
    return tuple({k: change.get(k, v) for k, v in part.items()} for part in (BASE, TRAINING))


def build(*, noise="learned", transform="spline", seed=SEED, **setting):
    """Returns a flow on the pixels of MNIST."""
    if transform == "affine":
        setting = {key: value for key, value in setting.items() if key != "num_bins"}
        inner = flows.multiscale_real_nvp(MNIST, **setting, seed=seed)
    else:
        inner = flows.multiscale_neural_spline(MNIST, **setting, seed=seed)
    learned = [flows.dequantization()] if noise == "learned" else []
    return flows.append(inner, flows.pixel_range(), *learned)


def row_of(change, train, validation):
    """Returns what one setting reaches."""
    how = {key: change.get(key, value) for key, value in TRAINING.items()}
    flow = build(**BASE | {key: value for key, value in change.items() if key not in TRAINING})
    # On a CPU, convolutions inside a loop that XLA compiles take 30 times as long.
    history = fit_for(flow, train, SECONDS, seed=SEED, jit_compile=False, **how)
    bits = evaluation.bits_per_dim(flow, validation)
    return {
        "change": change,
        "weights": sum(int(variable.shape.num_elements()) for variable in flow.trainable_variables),
        "images": len(history.loss) * how["batch_size"],
        "bits_per_dim": round(float(bits.value), 4),
        "standard_error": round(float(bits.standard_error), 4),
    }


def main(folder=None):
    """Measures what is missing, prints and writes results/mnist_choice.json."""
    train, validation = (
        datasets.images("mnist", split, full=True, path=folder) for split in ("train", "validation")
    )
    head = {
        "what": f"Bits per dimension of MNIST's validation images after {SECONDS} s of training",
        "setting": BASE | TRAINING,
    }
    rows = resume("mnist_choice", head).get("rows", [])
    measured = [row["change"] for row in rows]
    missing = [change for change in CHANGES if change not in measured]
    for change in missing:
        rows.append(row_of(change, train, validation))
        print(rows[-1], flush=True)
        unfinished = change != missing[-1]
        write_result("mnist_choice", COMMAND, {**head, "rows": rows}, unfinished=unfinished)


if __name__ == "__main__":
    main(*sys.argv[1:])
