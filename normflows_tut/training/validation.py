"""The loss on data that no step sees."""

import numpy as np
import tensorflow as tf

from normflows_tut.training.objectives import digest

_NUMBERS = 2**19  # at a time: bounds the memory, whatever the size of the data


class Validation:
    """Mean of -log_prob over the validation data, and the best weights so far.

    Args:
      data: Array `[m, ...]`.
      every: Steps between measurements.
      patience: Measurements without a new best that end the run, or None.
    """

    def __init__(self, data, every, patience):
        block = max(1, _NUMBERS // int(np.prod(data.shape[1:])))
        self._size, block = len(data), min(len(data), block, 8192)
        padding = -len(data) % block
        # Padded with real points, which have a density as good as any; they are not counted.
        blocks = np.concatenate([data, data[:1].repeat(padding, axis=0)])
        self._blocks = tf.constant(blocks.reshape(-1, block, *data.shape[1:]))
        self._digest = digest(data)
        self.every, self.patience = every, patience
        self.step, self.loss = [], []
        self.best_step, self.best_weights = None, None

    def measure(self, step, engine):
        """Records the loss after `step` updates, and the weights if it is the best."""
        log_prob = np.concatenate([engine.log_prob(block).numpy() for block in self._blocks])
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
        return {"validation_data": self._digest, "validation_every": self.every}
