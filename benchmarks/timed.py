"""Training for a given time, the compilation included."""

import math
import time

from normflows_tut import training


def fit_for(flow, data, seconds, *, batch_size, peak_rate, seed=0):
    """Trains `flow` for `seconds` of wall-clock time; returns its `History`.

    The learning rate follows half a cosine in time, not in steps: how many steps fit is not
    known beforehand.
    """
    start = time.perf_counter()

    def rate(step):
        del step
        progress = min(1.0, (time.perf_counter() - start) / seconds)
        return peak_rate * 0.5 * (1.0 + math.cos(math.pi * progress))

    return training.fit(
        flow,
        data,
        num_steps=10_000_000,  # more than fit: the time ends the run
        max_seconds=seconds,
        batch_size=batch_size,
        learning_rate=rate,
        seed=seed,
        progress=False,
    )
