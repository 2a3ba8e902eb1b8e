"""A logarithm for the whole real line."""

import tensorflow as tf
import tensorflow_probability as tfp

tfb = tfp.bijectors


class Softlog(tfb.Bijector):
    """Elementwise symmetric logarithm: linear near zero, logarithmic far out.

    ```none
    forward(x)          = sign(x) log(|x| + 1)
    inverse(y)          = sign(y) (e^|y| - 1)
    log|d forward/dx|   = -log(|x| + 1)
    ```

    It squeezes heavy tails; its inverse makes them. The formula is folklore; this is the
    'symmetric log' with unit threshold.

    Args:
      name: Name of the bijector.

    Example:
      >>> float(Softlog().forward(0.0))
      0.0
    """

    def __init__(self, name="softlog"):
        super().__init__(forward_min_event_ndims=0, parameters=dict(locals()), name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _is_increasing(self):
        return True

    # `tf.sign` and `tf.abs` have the derivative 0 at 0, where the layer's is 1.

    def _forward(self, x):
        sign = _sign(x)
        return sign * tf.math.log1p(sign * x)

    def _inverse(self, y):
        sign = _sign(y)
        return sign * tf.math.expm1(sign * y)

    def _forward_log_det_jacobian(self, x):
        return -tf.math.log1p(tf.abs(x))

    def _inverse_log_det_jacobian(self, y):
        return tf.abs(y)


def _sign(x):
    """1 or -1, and 1 at zero."""
    return tf.where(x < 0, -tf.ones_like(x), tf.ones_like(x))
