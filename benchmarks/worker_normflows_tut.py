"""Trains flows of this module by `training.fit`."""

import contest
import tensorflow as tf

from normflows_tut import evaluation, flows, training


class Trainer:
    """See `contest`."""

    def __init__(self, spec, data, variant):
        del variant
        self._data = data
        d, hidden = spec.dimensions, (spec.units, spec.units)
        self.flow = {
            "real_nvp": lambda: flows.real_nvp(d, spec.layers, hidden),
            "maf": lambda: flows.masked_autoregressive(d, spec.layers, hidden),
            "spline": lambda: flows.neural_spline(
                d, spec.layers, spec.bins, hidden, bound=spec.bound
            ),
        }[spec.kind]()
        self._draw = tf.function(self.flow.sample)

    def steps(self, count, rate):
        """Trains; returns the last loss."""
        history = training.fit(
            self.flow,
            self._data,
            num_steps=count,
            batch_size=contest.BATCH,
            learning_rate=rate,
            progress=False,
        )
        return float(history.loss[-1])

    def train_for(self, seconds, rate):
        """Trains in one run: a new one every 50 steps would begin with new moments."""
        history = training.fit(
            self.flow,
            self._data,
            num_steps=10_000_000,  # more than fit
            batch_size=contest.BATCH,
            learning_rate=rate,
            max_seconds=seconds,
            progress=False,
        )
        return len(history.loss)

    def log_prob(self, points):
        """Log-densities of points."""
        return evaluation.log_density(self.flow, points)

    def sample(self, count):
        """Draws points."""
        self._draw(count).numpy()


contest.run(Trainer)
