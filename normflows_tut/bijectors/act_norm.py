"""ActNorm: an affine layer that starts by standardising the data."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import data_array
from normflows_tut.bijectors import _chain
from normflows_tut.bijectors._vector import VectorBijector


class ActNorm(VectorBijector):
    """Elementwise scale and shift, set once from data, then trained like any weight.

    ```none
    forward(x) = x * exp(log_scale) + shift
    log|det d forward/dx| = sum_i log_scale_i
    ```

    Until `initialize(data)` it is the identity. `initialize` makes `inverse(data)` have mean
    0 and standard deviation 1 in every dimension; a dimension that does not vary gets the
    scale 1. That the layer is set is itself a saved variable, `initialized`, so it survives
    a checkpoint, and nothing but `initialize` ever changes it: `log_prob` has no side effect.

    On images `[..., h, w, c]` an `ActNorm(c)` acts on the channels of every pixel alike.

    With `trainable=False` it is the standardising step that every flow on vectors of this module
    has on its data side.

    Args:
      event_size: Number of dimensions d, at least 1.
      trainable: Whether an optimizer moves `log_scale` and `shift`.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1.

    Reference:
      Kingma & Dhariwal (2018), Glow: Generative Flow with Invertible 1x1 Convolutions,
      section 3.1.

    Example:
      >>> layer = ActNorm(1)
      >>> layer.initialize([[1.0], [3.0]])
      >>> layer.inverse([[3.0]]).numpy().tolist()
      [[1.0]]
    """

    def __init__(self, event_size, *, trainable=True, dtype=tf.float32, name="act_norm"):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        zeros = tf.zeros([self.event_size], dtype)
        self.log_scale = tf.Variable(zeros, trainable=trainable, name="log_scale")
        self.shift = tf.Variable(zeros, trainable=trainable, name="shift")
        self.initialized = tf.Variable(False, trainable=False, name="initialized")

    def initialize(self, data):
        """Sets scale and shift from `data`, an array `[n, d]` or images `[n, h, w, d]`.

        Raises:
          ValueError: `data` is empty, not finite, or of another width.
        """
        # In float64: the mean of a million float32 numbers is not a float32 matter.
        vectors = np.asarray(data).reshape(-1, np.shape(data)[-1]) if np.ndim(data) == 4 else data
        data = data_array(vectors, self.event_size, dtype=np.float64)
        mean, deviation = data.mean(axis=0), data.std(axis=0)
        # The range and not the deviation: that of a constant column is the rounding of its mean.
        eps = np.finfo(self.dtype.as_numpy_dtype).eps
        constant = np.ptp(data, axis=0) <= 4 * eps * np.abs(mean)
        self.shift.assign(tf.cast(mean, self.dtype))
        self.log_scale.assign(tf.cast(np.log(np.where(constant, 1.0, deviation)), self.dtype))
        self.initialized.assign(True)

    def _forward_and_log_det(self, x):
        return x * tf.exp(self.log_scale) + self.shift, self._log_det(x)

    def _inverse_and_log_det(self, y):
        return (y - self.shift) * tf.exp(-self.log_scale), -self._log_det(y)

    def _log_det(self, x):
        return tf.broadcast_to(tf.reduce_sum(self.log_scale), tf.shape(x)[:-1])


def initialize_act_norms(bijector, data):
    """Initializes every ActNorm inside `bijector` that is not yet, from the data side.

    Each one sees the data as the layers between it and the data pass them on, those just
    initialized included.

    Args:
      bijector: A `tfb.Bijector`; nested `tfb.Chain`s are walked, others are taken whole.
      data: Array `[n, d]`, or images `[n, h, w, c]`.
    """
    parts = _chain.parts(bijector)
    waiting = [k for k, part in enumerate(parts) if waiting_act_norms(part)]
    if not waiting:
        return
    for part in parts[: waiting[-1] + 1]:
        if isinstance(part, ActNorm) and not part.initialized:
            part.initialize(data)
        elif hasattr(part, "initialize_act_norms"):  # what holds bijectors in another way
            part.initialize_act_norms(data)
        data = part.inverse(tf.identity(tf.convert_to_tensor(data, part.dtype)))


def waiting_act_norms(bijector):
    """Returns the `ActNorm`s in `bijector` that are not initialized."""
    within = (bijector, *bijector.submodules)
    return [part for part in within if isinstance(part, ActNorm) and not part.initialized]
