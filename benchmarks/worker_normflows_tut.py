"""Trains flows of this module by `training.fit`."""

import contest
import tensorflow as tf

from normflows_tut import evaluation, flows, training


class Trainer:
    """See `contest`."""

    def __init__(self, spec, data, variant, seed):
        del variant
        self._data, self._seed = data, seed
        d, hidden = spec.dimensions, (spec.units, spec.units)
        affine = {"seed": seed}
        if spec.log_scale_bound is not None:
            affine["log_scale_bound"] = spec.log_scale_bound
        self.flow = {
            "made": lambda: flows.masked_autoregressive(d, 1, hidden, **affine),
            "real_nvp": lambda: flows.real_nvp(d, spec.layers, hidden, **affine),
            "maf": lambda: flows.masked_autoregressive(d, spec.layers, hidden, **affine),
            "spline": lambda: flows.neural_spline(
                d, spec.layers, spec.bins, hidden, bound=spec.bound, seed=seed
            ),
            "autoregressive_spline": lambda: flows.neural_spline(
                d, spec.layers, spec.bins, hidden, bound=spec.bound, autoregressive=True, seed=seed
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
            seed=self._seed,
            jit_compile=True,
            progress=False,
        )
        return float(history.loss[-1])

    def train_for(self, seconds, max_steps, rate, validation=None):
        """Trains in one run: a new one every 50 steps would begin with new moments."""
        if validation is not None:
            best = {"validation_data": validation, "validation_every": contest.VALIDATE_EVERY}
            best["patience"] = 10**9  # so that the best weights are taken in the end
        else:
            best = {}
        history = training.fit(
            self.flow,
            self._data,
            num_steps=max_steps,
            batch_size=contest.BATCH,
            learning_rate=rate,
            max_seconds=seconds,
            seed=self._seed,
            jit_compile=True,
            progress=False,
            **best,
        )
        return len(history.loss)

    def log_prob(self, points):
        """Log-densities of points."""
        return evaluation.log_density(self.flow, points)

    def sample(self, count):
        """Draws points."""
        self._draw(count).numpy()


contest.run(Trainer)
