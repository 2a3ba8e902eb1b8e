"""Training for a given time, the compilation included."""

import math
import time

from normflows_tut import training


def fit_for(flow, data, seconds, *, batch_size, peak_rate, clip_norm=1.0, **options):
    """Trains `flow` for `seconds` of wall-clock time; returns its `History`.

    The learning rate rises over 200 steps and then follows half a cosine in time, not in steps:
    how many steps fit is not known beforehand. The options are those of `training.fit`.
    """
    start = time.perf_counter()

    def rate(step):
        progress = min(1.0, (time.perf_counter() - start) / seconds)
        warm_up = min(1.0, (step + 1) / 200)
        return warm_up * peak_rate * 0.5 * (1.0 + math.cos(math.pi * progress))

    return training.fit(
        flow,
        data,
        num_steps=10_000_000,  # more than fit: the time ends the run
        max_seconds=seconds,
        batch_size=batch_size,
        learning_rate=rate,
        clip_norm=clip_norm,
        progress=False,
        **options,
    )
