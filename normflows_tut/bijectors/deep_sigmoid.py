"""The deep sigmoidal transform of neural autoregressive flows."""

import numpy as np
import tensorflow as tf

from normflows_tut.bijectors._elementwise import ElementwiseBijector
from normflows_tut.bijectors._root import increasing_root


class DeepSigmoid(ElementwiseBijector):
    """A mixture of M sigmoids and a logit, from the data to the base, in each coordinate.

    ```none
    inverse(y) = logit(sum_j w_j sigmoid(a_j y + b_j)),    a_j > 0, w_j > 0, sum_j w_j = 1
    slope(y)   = (sum_j w_j a_j sigmoid'(a_j y + b_j)) / (p (1 - p)),    p = sigmoid(inverse(y))
    log|det d inverse/dy| = sum_i log slope(y_i)
    ```

    It is the inverse that is in closed form, because a density needs the inverse. `forward`
    solves for y, to machine precision: at the smallest of (x - b_j) / a_j all a_j y + b_j are
    at most x, and so is inverse(y); at the largest they are at least x. That brackets the root.
    It is differentiable as well.

    The parameters are free numbers: M each for the slopes a (a softplus), the offsets b (from
    equally spaced ones between -3 and 3) and the weights w (a softmax).

    Args:
      raw: Unconstrained parameters, a tensor or variable `[..., 3 M, d]`, in the order above;
        its leading dimensions are those of the points, or none.
      name: Name of the bijector.

    Raises:
      ValueError: The number of parameters is no multiple of 3.

    Reference:
      Huang, Krueger, Lacoste & Courville (2018), Neural Autoregressive Flows, equation 8.

    Example:
      >>> DeepSigmoid(tf.zeros([24, 1])).inverse([[0.0]]).numpy().tolist()
      [[0.0]]
    """

    def __init__(self, raw, *, name="deep_sigmoid"):
        parameters = dict(locals())
        super().__init__(raw, parameters=parameters, name=name)
        count = self.raw.shape[-2]
        if count is None or count < 3 or count % 3:
            raise ValueError(
                f"raw must hold 3 M parameters a coordinate for M sigmoids, in its second to last "
                f"dimension; got {count}."
            )
        self.num_sigmoids = count // 3

    def _constrained(self, raw):
        """Returns a, b and log w, each `[M, d, n]`."""
        a, b, w = tf.split(raw, 3, axis=0)
        # Sigmoids that started alike would stay alike.
        spread = np.linspace(-3, 3, self.num_sigmoids + 2)[1:-1]
        b += tf.constant(spread.reshape([-1, 1, 1]), self.dtype)
        # softplus(offset) = 1; a floor keeps (x - b) / a in range.
        a = 1e-3 + tf.nn.softplus(a + np.log(np.expm1(1 - 1e-3)))
        return a, b, tf.nn.log_softmax(w, axis=0)

    def _inverse_columns(self, y, raw):
        x, log_slope = _logit_of_mixture(y, *self._constrained(raw))
        return x, log_slope

    def _forward_columns(self, x, raw):
        a, b, log_w = self._constrained(raw)
        starts = (x - b) / a
        low, high = tf.reduce_min(starts, axis=0), tf.reduce_max(starts, axis=0)
        eps = np.finfo(self.dtype.as_numpy_dtype).eps

        def residual_and_slope(y, x, a, b, log_w):
            value, log_slope = _logit_of_mixture(y, a, b, log_w)
            return value - x, tf.exp(log_slope)

        y = increasing_root(
            residual_and_slope,
            (x, a, b, log_w),
            start=0.5 * (low + high),
            low=low,
            high=high,
            tolerance=4 * eps * (1 + tf.abs(x)),
        )
        return y, -_logit_of_mixture(y, a, b, log_w)[1]


def _logit_of_mixture(y, a, b, log_w):
    """Returns logit(sum_j w_j sigmoid(a_j y + b_j)) and the log of its slope, in logarithms."""
    c = a * y + b
    log_on, log_off = tf.math.log_sigmoid(c), tf.math.log_sigmoid(-c)
    log_p = tf.reduce_logsumexp(log_w + log_on, axis=0)
    log_1_p = tf.reduce_logsumexp(log_w + log_off, axis=0)
    # sigmoid' = sigmoid (1 - sigmoid).
    log_rise = tf.reduce_logsumexp(log_w + tf.math.log(a) + log_on + log_off, axis=0)
    return log_p - log_1_p, log_rise - log_p - log_1_p
