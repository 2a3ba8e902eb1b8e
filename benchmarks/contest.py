"""What every library's worker does alike: it builds a flow, trains it, and answers.

Plain Python and NumPy: each worker reads it in the environment of its own library. A worker
hands over a class with

    Trainer(spec, data, variant, seed)
                                   the flow of a `Spec`, to be trained on data [n, d], float32
    steps(count, rate)             so many optimizer steps; returns the last loss, a float
    log_prob(points)               log-densities [m] of points [m, d], as an array
    sample(count)                  draws so many points and waits until they are there
    train_for(seconds, max_steps, rate, validation)
                                   optional, in place of many calls of `steps`: trains at the
                                   rates `rate(step)`, and ends with the weights that were best
                                   on validation points, if there are any; returns the number
                                   of steps

and the class is told what to do by one of three protocols: `speed` (of training), `sampling`
and `quality`.
"""

import dataclasses
import json
import math
import sys
import time

import numpy as np

BATCH = 512
PER_CALL = 50  # steps between two looks at the clock
VALIDATE_EVERY = 200  # steps
ENDLESS = 10_000_000  # more steps than fit into any time


@dataclasses.dataclass(frozen=True)
class Spec:
    """A flow, in the words of no library."""

    kind: str  # made, real_nvp, maf, spline (couplings) or autoregressive_spline
    dimensions: int
    layers: int
    units: int  # of each of the two hidden layers
    bins: int = 8
    bound: float = 5.0
    log_scale_bound: float | None = None  # of affine layers, in a library that has it


def run(trainer_class):
    """Reads the protocol and its arguments from the command line and follows it."""
    protocol, arguments = sys.argv[1], json.loads(sys.argv[2])
    spec = Spec(**arguments["spec"])
    if protocol == "quality":
        quality(trainer_class, spec, arguments)
        return
    data = np.random.default_rng(0).normal(size=[100_000, spec.dimensions])
    trainer = trainer_class(spec, data.astype(np.float32), arguments["variant"], seed=0)
    work = {"speed": lambda count: trainer.steps(count, 1e-3), "sampling": trainer.sample}
    take_turns(work[protocol], arguments["first"])


def take_turns(work, first):
    """Does as much as each line of standard input asks for; prints the seconds it took.

    The first amount is done before the clock starts: it compiles.
    """
    work(first)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        work(int(line))
        print(time.perf_counter() - start, flush=True)


def quality(trainer_class, spec, arguments):
    """Trains for `seconds`, then writes the log-densities of the test points.

    The clock starts before the flow is built: compilation counts. The run is shorter if it has
    made `max_steps` before, for which the learning rate then falls. Where there are validation
    points, the weights count that were best on them; looking costs time like everything else.
    """
    with np.load(arguments["points"]) as file:
        train, test, validation = file["train"], file["test"], file.get("validation")
    max_steps = arguments["max_steps"] or ENDLESS
    start, count, best, log_prob = time.perf_counter(), 0, -math.inf, None
    trainer = trainer_class(spec, train, arguments["variant"], arguments["seed"])

    def share(step):
        return max((time.perf_counter() - start) / arguments["seconds"], step / max_steps)

    def look():
        nonlocal best, log_prob
        now = float(np.mean(trainer.log_prob(validation), dtype=np.float64))
        if now > best:  # and never where it is NaN
            best, log_prob = now, trainer.log_prob(test)

    if hasattr(trainer, "train_for"):
        seconds = arguments["seconds"] * (1 - share(0))
        count = trainer.train_for(
            seconds,
            max_steps,
            lambda k: rate_at(share(k), k, arguments["peak_rate"]),
            validation,
        )
    else:
        while share(count) < 1:
            trainer.steps(PER_CALL, rate_at(share(count), count, arguments["peak_rate"]))
            count += PER_CALL
            if validation is not None and count % VALIDATE_EVERY == 0:
                look()
    if validation is not None:
        look()  # once more at the end, beyond the time: a slow one may not have got to it
    log_prob = trainer.log_prob(test) if log_prob is None else log_prob
    np.savez(
        arguments["answer"],
        log_prob=np.asarray(log_prob, np.float64),
        steps=count,
        validation=best,
    )


def rate_at(share, step, peak):
    """A rise over 200 steps, then half a cosine in time: how many steps fit is not known."""
    warm_up = min(1.0, (step + 1) / 200)
    return warm_up * peak * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
