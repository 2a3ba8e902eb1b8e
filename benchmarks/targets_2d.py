"""The twelve two-dimensional targets by RealNVP, 20 seconds each: KL to the exact density.

One setting for all of them. The compilation counts. Finished targets are kept: a run that was
stopped goes on where it was.
"""

import json

from machine import RESULTS, describe, write_result
from timed import fit_for

from normflows_tut import evaluation, flows, targets

NAMES = tuple(name for name in targets.names() if name != "uniform")
SECONDS, SEED, TEST_POINTS = 20, 0, 100_000
SETTING = {
    "num_layers": 12,
    "hidden_units": (64, 64),
    "activation": "silu",
    "log_scale_bound": 2.0,
}
TRAINING = {"batch_size": 512, "peak_rate": 3e-3}
WHAT = f"RealNVP, {SECONDS} s of training with compilation; KL to the exact density in nats"


def measure(name):
    """Returns the row of one target."""
    target = targets.make(name)
    flow = flows.real_nvp(2, seed=SEED, **SETTING)
    history = fit_for(flow, target, SECONDS, seed=SEED, **TRAINING)
    kl = evaluation.forward_kl(target, flow, num_samples=TEST_POINTS, seed=10_000)
    return {
        "target": name,
        "kl": round(float(kl.value), 4),
        "standard_error": round(float(kl.standard_error), 5),
        "steps": len(history.loss),
    }


def finished():
    """Returns the rows of an unfinished earlier run on this machine, with these settings."""
    path = RESULTS / "targets_2d.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    here = json.loads(json.dumps({"setting": SETTING | TRAINING, "what": WHAT, **describe()}))
    same = all(record.get(key) == value for key, value in here.items() if key != "date")
    rows = record.get("rows", []) if same else []
    return rows if len(rows) < len(NAMES) else []


def main():
    """Measures, prints and writes results/targets_2d.json."""
    rows = finished()
    for name in NAMES[len(rows) :]:
        rows.append(measure(name))
        print(rows[-1], flush=True)
        content = {
            "what": WHAT,
            "setting": SETTING | TRAINING,
            "test_points": TEST_POINTS,
            "rows": rows,
        }
        path = write_result("targets_2d", "make bench BENCH=targets_2d", content)
    print(f"Written to {path}.")


if __name__ == "__main__":
    main()
