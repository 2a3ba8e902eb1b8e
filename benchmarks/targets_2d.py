"""The twelve two-dimensional targets in equal time: KL to the exact density.

`targets_2d` is RealNVP, 20 seconds each; `targets_2d_spline` a neural spline flow, 30 seconds
each. One setting for all targets, the compilation counts. Finished targets are kept: a run that
was stopped goes on where it was.
"""

from machine import resume, write_result
from timed import fit_for

from normflows_tut import evaluation, flows, targets

NAMES = tuple(name for name in targets.names() if name != "uniform")
SEED, TEST_POINTS = 0, 100_000
TRAINING = {"batch_size": 512, "peak_rate": 3e-3}
RUNS = {
    "targets_2d": {
        "name": "RealNVP",
        "build": flows.real_nvp,
        "seconds": 20,
        "setting": {
            "num_layers": 12,
            "hidden_units": (64, 64),
            "activation": "silu",
            "log_scale_bound": 2.0,
        },
    },
    "targets_2d_spline": {
        "name": "Neural spline flow",
        "build": flows.neural_spline,
        "seconds": 30,
        "setting": {"num_layers": 4, "num_bins": 24, "hidden_units": (64, 64), "bound": 5.0},
    },
}


def head(run):
    """Returns what is said of a run before its rows."""
    what = f"{run['name']}, {run['seconds']} s of training with compilation; "
    what += "KL to the exact density in nats"
    return {"what": what, "setting": run["setting"] | TRAINING, "test_points": TEST_POINTS}


def measure(run, name):
    """Returns the row of one target."""
    target = targets.make(name)
    flow = run["build"](2, seed=SEED, **run["setting"])
    history = fit_for(flow, target, run["seconds"], seed=SEED, **TRAINING)
    kl = evaluation.forward_kl(target, flow, num_samples=TEST_POINTS, seed=10_000)
    return {
        "target": name,
        "kl": round(float(kl.value), 4),
        "standard_error": round(float(kl.standard_error), 5),
        "steps": len(history.loss),
    }


def main(key="targets_2d"):
    """Measures, prints and writes results/KEY.json."""
    rows = resume(key, head(RUNS[key])).get("rows", [])
    for name in NAMES[len(rows) :]:
        rows.append(measure(RUNS[key], name))
        print(rows[-1], flush=True)
        content, unfinished = {**head(RUNS[key]), "rows": rows}, len(rows) < len(NAMES)
        path = write_result(key, f"make bench BENCH={key}", content, unfinished=unfinished)
    print(f"Written to {path}.")


if __name__ == "__main__":
    main()
