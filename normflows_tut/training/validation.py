"""The loss on data that no step sees."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import positive_int
from normflows_tut.training.objectives import digest

_NUMBERS = 2**19  # at a time: bounds the memory, whatever the size of the data


def pace(validation_data, validation_every, patience, validation_context=None):
    """Returns `validation_every` and `patience`, checked.

    Raises:
      ValueError: One is below 1, or something is given that needs `validation_data`.
    """
    if validation_data is None:
        for name, value in {"patience": patience, "validation_context": validation_context}.items():
            if value is not None:
                raise ValueError(f"{name}={value!r} needs validation_data.")
    return (
        positive_int("validation_every", validation_every),
        None if patience is None else positive_int("patience", patience),
    )


class Validation:
    """Mean of -log_prob over the validation data, and the best weights so far.

    Args:
      arrays: The data `[m, ...]`, or the data and the contexts `[m, c]`.
      every: Steps between measurements.
      patience: Measurements without a new best that end the run, or None.
    """

    def __init__(self, arrays, every, patience):
        size = self._size = len(arrays[0])
        block = max(1, _NUMBERS // int(np.prod(arrays[0].shape[1:])))
        block = min(size, block, 8192)
        # Padded with real points, which have a density as good as any; they are not counted.
        rows = np.concatenate([np.arange(size), np.zeros(-size % block, int)]).reshape(-1, block)
        self._blocks = [[tf.constant(array[row]) for array in arrays] for row in rows]
        self._digests = [digest(array) for array in arrays]
        self.every, self.patience = every, patience
        self.step, self.loss = [], []
        self.best_step, self.best_weights = None, None

    def measure(self, step, engine):
        """Records the loss after `step` updates, and the weights if it is the best."""
        log_prob = np.concatenate([engine.log_prob(*block).numpy() for block in self._blocks])
        loss = -float(np.mean(log_prob[: self._size], dtype=np.float64))
        if self.best_step is None or loss < min(self.loss):
            self.best_step, self.best_weights = step, engine.state()[0].numpy()
        self.step.append(step)
        self.loss.append(loss)

    def is_exhausted(self):
        """Whether the last `patience` measurements brought nothing better."""
        if self.patience is None or self.best_step is None:
            return False
        return len(self.step) - 1 - self.step.index(self.best_step) >= self.patience

    def restore_best(self, engine):
        """With `patience`, ends the run with the weights of the best measurement."""
        if self.patience is not None and self.best_step is not None:
            engine.set_weights(self.best_weights)

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        names = ("validation_data", "validation_context")
        return {"validation_every": self.every} | dict(zip(names, self._digests, strict=False))
