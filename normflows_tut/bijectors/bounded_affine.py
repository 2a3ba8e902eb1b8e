"""Scale and shift, with a bound on the scale."""

import tensorflow as tf

from normflows_tut._checks import positive_float
from normflows_tut.bijectors._vector import VectorBijector


class BoundedAffine(VectorBijector):
    """Scales and shifts each coordinate, the log-scale softly bounded.

    ```none
    forward(x) = x * exp(s) + t,    s = log_scale_bound * tanh(raw_s / log_scale_bound)
    log|det d forward/dx| = sum_i s_i
    ```

    In float32, thirty layers of unbounded scales end in overflow.

    Args:
      raw: The free numbers raw_s and t, a tensor or variable `[..., 2, d]`; its leading
        dimensions are those of the points, or none.
      log_scale_bound: The largest log-scale, a number above 0.
      name: Name of the bijector.

    Raises:
      ValueError: `raw` has another shape, or `log_scale_bound` is not above 0.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation using Real NVP, equation 4.

    Example:
      >>> BoundedAffine([[0.0], [2.0]]).forward([1.0]).numpy().tolist()
      [3.0]
    """

    def __init__(self, raw, *, log_scale_bound=3.0, name="bounded_affine"):
        parameters = dict(locals())
        if not isinstance(raw, tf.Variable):
            raw = tf.convert_to_tensor(raw)
        if raw.shape.rank is None or raw.shape.rank < 2 or raw.shape[-2] != 2:
            raise ValueError(f"raw must have shape [..., 2, d], got {raw.shape}.")
        self.raw = raw
        self._bound = positive_float("log_scale_bound", log_scale_bound)
        super().__init__(raw.shape[-1], dtype=raw.dtype, parameters=parameters, name=name)

    def log_scale_and_shift(self):
        """Returns s and t, each of shape `[..., d]`."""
        raw, shift = tf.unstack(self.raw, axis=-2)
        return self._bound * tf.tanh(raw / self._bound), shift

    def _forward_and_log_det(self, x):
        log_scale, shift = self.log_scale_and_shift()
        y = x * tf.exp(log_scale) + shift
        return y, _sum_like(log_scale, y)

    def _inverse_and_log_det(self, y):
        log_scale, shift = self.log_scale_and_shift()
        x = (y - shift) * tf.exp(-log_scale)
        return x, -_sum_like(log_scale, x)


def _sum_like(log_scale, points):
    """Returns the sum over coordinates, once for every point."""
    return tf.reduce_sum(tf.broadcast_to(log_scale, tf.shape(points)), axis=-1)
