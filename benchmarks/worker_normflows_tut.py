"""Trains RealNVP by `training.fit`, as many steps as each line of standard input asks for."""

import sys
import time

import numpy as np

from normflows_tut import flows, training

rng = np.random.default_rng(0)
data = rng.normal(size=[100_000, 6]).astype(np.float32)
flow = flows.real_nvp(6, num_layers=8, hidden_units=(64, 64))


def train(num_steps):
    """Returns the seconds that `num_steps` optimizer steps took, and the last loss."""
    start = time.perf_counter()
    history = training.fit(
        flow, data, num_steps=num_steps, batch_size=512, learning_rate=1e-3, progress=False
    )
    return time.perf_counter() - start, float(history.loss[-1])


train(100)  # compiles
print("ready", flush=True)
for line in sys.stdin:
    print(*train(int(line)), flush=True)
