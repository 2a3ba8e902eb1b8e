"""The radial layer of Rezende & Mohamed (2015)."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import positive_float, random_generator
from normflows_tut.bijectors._vector import VectorBijector, initial_value, split_raw


class Radial(VectorBijector):
    """Radial layer: pushes away from a centre, or pulls towards it.

    ```none
    forward(z) = z + beta_hat (z - z0) / (alpha + r),       r = |z - z0|
    beta_hat   = -alpha + log(1 + e^beta),                  alpha > 0
    log|det d forward/dz| = (d - 1) log(1 + beta_hat h) + log(1 + beta_hat h + beta_hat h' r),
                            h = 1 / (alpha + r)
    ```

    The layer keeps directions and changes only the distance to the centre, from `r` to
    `R = r + beta_hat r / (alpha + r)`. That is a quadratic equation in `r`, so the inverse
    is in closed form:

    ```none
    r = (p + sqrt(p^2 + 4 alpha R)) / 2,                    p = R - alpha - beta_hat
    ```

    Args:
      event_size: Number of dimensions d, at least 1.
      center: Initial value of the variable `center`, the z0 above, shape `[d]`; random
        numbers by default.
      alpha: Initial value of alpha, a number above 0, in the units of the data.
      beta: Initial value of the variable `beta`, a number; by default the one at which
        the layer is the identity.
      raw: In place of variables, center, log(e^alpha - 1) and beta in one tensor `[..., d + 2]`,
        as a network makes them; its leading dimensions are those of the points.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1, `alpha` is not above 0, or `center` or `raw` has another
        shape.

    Reference:
      Rezende & Mohamed (2015), Variational Inference with Normalizing Flows, equation 14
      and appendix A.2. The inverse is ours to derive; see the chapter on planar and radial
      flows.

    Example:
      >>> layer = Radial(2, center=[0.0, 0.0], alpha=1.0, beta=2.0)
      >>> layer.inverse(layer.forward([[0.5, 3.0]])).shape
      TensorShape([1, 2])
    """

    def __init__(
        self,
        event_size,
        *,
        center=None,
        alpha=1.0,
        beta=None,
        raw=None,
        seed=0,
        dtype=tf.float32,
        name="radial",
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        d = self.event_size
        if raw is not None:
            self.center, raw_alpha, beta = split_raw(raw, [d, 1, 1], self.dtype)
            self.raw_alpha, self.beta = raw_alpha[..., 0], beta[..., 0]
            return
        alpha = positive_float("alpha", alpha)
        # Inverse of log(1 + e^t), written so that it does not overflow.
        softplus_inverse = alpha + np.log(-np.expm1(-alpha))
        random_center = random_generator(seed).normal(size=d)
        self.center = tf.Variable(
            initial_value("center", random_center if center is None else center, [d], dtype),
            name="center",
        )
        beta = softplus_inverse if beta is None else beta
        self.raw_alpha = tf.Variable(softplus_inverse, dtype=dtype, name="raw_alpha")
        self.beta = tf.Variable(initial_value("beta", beta, [], dtype), name="beta")

    @property
    def alpha(self):
        """The reach of the layer, above 0: log(1 + e^raw_alpha)."""
        return tf.math.softplus(self.raw_alpha)

    @property
    def beta_hat(self):
        """The constrained strength, above -alpha (appendix A.2)."""
        return tf.math.softplus(self.beta) - self.alpha

    def _offset(self, x):
        """Returns x - z0 and its length; the length has a finite gradient at the centre."""
        offset = x - self.center
        tiny = np.finfo(self.dtype.as_numpy_dtype).tiny
        return offset, tf.sqrt(tf.reduce_sum(tf.square(offset), axis=-1) + tiny)

    # With gamma = alpha + beta_hat = log(1 + e^beta) > 0, both factors of the determinant
    # are quotients of positive terms, and nothing cancels.

    def _forward_and_log_det(self, z):
        offset, r = self._offset(z)
        stretch = (r + tf.math.softplus(self.beta)) / (r + self.alpha)  # 1 + beta_hat h
        return self.center + offset * stretch[..., tf.newaxis], self._log_det(r)

    def _inverse_and_log_det(self, y):
        offset, R = self._offset(y)
        p = R - tf.math.softplus(self.beta)
        root = tf.sqrt(tf.square(p) + 4.0 * self.alpha * R)
        # r / R, by whichever form of the root of the quadratic does not cancel.
        shrink = tf.where(
            p < 0, 2.0 * self.alpha / (root + tf.abs(p)), (root + tf.abs(p)) / (2.0 * R)
        )
        return self.center + offset * shrink[..., tf.newaxis], -self._log_det(R * shrink)

    def _log_det(self, r):
        alpha, gamma = self.alpha, tf.math.softplus(self.beta)
        across = tf.math.log((r + gamma) / (r + alpha))  # log(1 + beta_hat h), d - 1 times
        along = tf.math.log((tf.square(r) + 2.0 * alpha * r + alpha * gamma) / tf.square(r + alpha))
        return (self.event_size - 1) * across + along
