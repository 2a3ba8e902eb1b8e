"""A row of the published table: POWER, GAS, HEPMASS, MINIBOONE or BSDS300, split as in the papers.

    python benchmarks/published.py power                # a spline flow
    python benchmarks/published.py gas --model maf
    python benchmarks/published.py power --path FOLDER  # the archive's files, unpacked there
    python benchmarks/published.py power --hours 8      # one sitting

The first call downloads the archive (857 MB). A run that was stopped, or whose hours are over, goes
on from its checkpoint, `published_TABLE_MODEL.npz` in the current folder, when the same command is
given again. What the protocol asks for: the preprocessing and the splits of Papamakarios et al.
(2017); a learning rate that falls to 0 along half a cosine, and gradients clipped at the norm 5, as
in the program of Durkan et al. (2019), experiments/uci.py; the validation rows choose the weights,
and the test rows are looked at once, at the end. The flows are plainer than theirs: no residual
networks, no trained linear layers, no splines for the part that a coupling passes.
"""

import argparse
import sys

from normflows_tut import datasets, evaluation, flows, training

NEVER = 10**9
MODELS = {
    "nsf": lambda d, layers, units: flows.neural_spline(d, layers, 8, (units, units), bound=3.0),
    "maf": lambda d, layers, units: flows.masked_autoregressive(d, layers, (units, units)),
}


def run(
    table,
    *,
    model,
    path=None,
    num_steps,
    batch_size,
    peak_rate,
    layers,
    units,
    checkpoint,
    hours=None,
):
    """Trains, or goes on; returns the negative log-likelihood of the test rows, or None.

    None stands for a training that is not over: the test rows are looked at once.
    """
    train, validation = (
        datasets.tabular(table, split, path=path) for split in ("train", "validation")
    )
    flow = MODELS[model](train.shape[1], layers, units)
    history = training.fit(
        flow,
        train,
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=training.cosine_decay(peak_rate, num_steps),
        clip_norm=5.0,
        validation_data=validation,
        validation_every=min(1000, num_steps),
        patience=NEVER,  # the best weights, in the end
        checkpoint=checkpoint,
        max_seconds=None if hours is None else 3600 * hours,
    )
    steps = len(history.loss)
    print(f"{steps:,} steps, {1e3 * history.seconds / max(1, steps):.1f} ms each")
    if history.stop_reason != "finished":
        print(f"{history.stop_reason}: the same command goes on from {checkpoint}.")
        return None
    test = datasets.tabular(table, "test", path=path)
    return evaluation.negative_log_likelihood(flow, test)


def main(arguments):
    """Reads the command line, trains and prints the number for the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=("power", "gas", "hepmass", "miniboone", "bsds300"))
    parser.add_argument("--model", choices=MODELS, default="nsf")
    parser.add_argument("--path", help="folder with the archive's files")
    parser.add_argument("--num-steps", type=int, default=400_000)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--peak-rate", type=float, default=5e-4)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--hours", type=float, help="length of a sitting")
    parser.add_argument("--checkpoint", help="by default published_TABLE_MODEL.npz")
    options = vars(parser.parse_args(arguments))
    options["checkpoint"] = options["checkpoint"] or "published_{table}_{model}.npz".format(
        **options
    )
    result = run(options.pop("table"), **options)
    if result is not None:
        log_likelihood, error = -result.value, result.standard_error
        print(f"test log-likelihood {log_likelihood:.3f} ± {error:.3f} nats (one standard error)")


if __name__ == "__main__":
    main(sys.argv[1:])
