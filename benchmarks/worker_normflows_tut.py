"""Trains the flow of a case by `training.fit`."""

import sys

import numpy as np
from speed_cases import BATCH, BINS, BOUND, CASES, POINTS, RATE, serve

from normflows_tut import flows, training

kind, dimensions, layers, units = CASES[sys.argv[1]]
data = np.random.default_rng(0).normal(size=[POINTS, dimensions]).astype(np.float32)
flow = {
    "real_nvp": lambda: flows.real_nvp(dimensions, layers, (units, units)),
    "maf": lambda: flows.masked_autoregressive(dimensions, layers, (units, units)),
    "spline": lambda: flows.neural_spline(dimensions, layers, BINS, (units, units), bound=BOUND),
}[kind]()


def train(num_steps):
    """Returns the last loss."""
    history = training.fit(
        flow, data, num_steps=num_steps, batch_size=BATCH, learning_rate=RATE, progress=False
    )
    return float(history.loss[-1])


serve(train)
