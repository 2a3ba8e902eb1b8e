"""Seconds to compile the training step of a spline flow, against its number of layers."""

import statistics

import numpy as np
from machine import write_result

from normflows_tut import flows, training

LAYERS, TURNS = (1, 2, 4, 8, 16), 3


def seconds(num_layers):
    """Returns how long the training step of a new flow takes to compile."""
    flow = flows.neural_spline(6, num_layers, num_bins=8, hidden_units=(64, 64))
    data = np.random.default_rng(0).normal(size=[10_000, 6]).astype(np.float32)
    history = training.fit(flow, data, num_steps=50, jit_compile=True, progress=False)
    return history.compile_seconds


def main():
    """Measures, prints and writes results/compilation.json."""
    seconds(1)  # what TensorFlow does once in a process
    turns = [{layers: seconds(layers) for layers in LAYERS} for _ in range(TURNS)]
    medians = {layers: statistics.median(turn[layers] for turn in turns) for layers in LAYERS}
    for layers, time in medians.items():
        print(f"{layers:3d} layers {time:6.2f} s", flush=True)
    content = {
        "what": "Seconds to compile the training step of a spline coupling flow: 6 dimensions, "
        "8 bins, two hidden layers of 64 units, batch 512, by number of layers",
        "turns": f"{TURNS} turns, interleaved; medians",
        "seconds": {str(layers): round(time, 2) for layers, time in medians.items()},
    }
    print(f"Written to {write_result('compilation', 'make bench BENCH=compilation', content)}.")


if __name__ == "__main__":
    main()
