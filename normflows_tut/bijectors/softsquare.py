"""A square for the whole real line."""

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import non_negative_float, positive_float

tfb = tfp.bijectors


class Softsquare(tfb.Bijector):
    """Elementwise signed square with a linear part.

    ```none
    forward(x)         = a x + b sign(x) x^2,      a > 0, b >= 0
    inverse(y)         = sign(y) 2 |y| / (a + sqrt(a^2 + 4 b |y|))
    log|d forward/dx|  = log(a + 2 b |x|)
    ```

    The linear part keeps the slope above zero at the origin, where the signed square alone
    would be flat and its inverse without a derivative. The inverse is the positive root of
    a quadratic, in the form that does not cancel and also holds at `b = 0`.

    Args:
      a: Slope at the origin, a number above 0.
      b: Strength of the square, a number of at least 0, in 1 / units of x.
      name: Name of the bijector.

    Raises:
      ValueError: `a` is not above 0, or `b` is negative or not finite.

    Example:
      >>> float(Softsquare(a=1.0, b=0.5).forward(2.0))
      4.0
    """

    def __init__(self, a=1.0, b=1.0, name="softsquare"):
        parameters = dict(locals())
        self._a = positive_float("a", a)
        self._b = non_negative_float("b", b)
        super().__init__(forward_min_event_ndims=0, parameters=parameters, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    @property
    def a(self):
        """Slope at the origin."""
        return self._a

    @property
    def b(self):
        """Strength of the square."""
        return self._b

    def _is_increasing(self):
        return True

    def _forward(self, x):
        return x * (self._a + self._b * tf.abs(x))

    def _inverse(self, y):
        root = tf.sqrt(self._a**2 + 4.0 * self._b * tf.abs(y))
        return 2.0 * y / (self._a + root)

    def _forward_log_det_jacobian(self, x):
        return tf.math.log(self._a + 2.0 * self._b * tf.abs(x))
