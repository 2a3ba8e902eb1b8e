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

    def _forward(self, x):
        return tf.sign(x) * tf.math.log1p(tf.abs(x))

    def _inverse(self, y):
        return tf.sign(y) * tf.math.expm1(tf.abs(y))

    def _forward_log_det_jacobian(self, x):
        return -tf.math.log1p(tf.abs(x))

    def _inverse_log_det_jacobian(self, y):
        return tf.abs(y)
