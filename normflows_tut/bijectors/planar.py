"""The planar layer of Rezende & Mohamed (2015)."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import random_generator
from normflows_tut.bijectors._root import increasing_root
from normflows_tut.bijectors._vector import VectorBijector, initial_value, split_raw


class Planar(VectorBijector):
    r"""Planar layer: pushes or pulls along `u_hat`, as much as the height over a plane says.

    ```none
    forward(z)             = z + u_hat tanh(w.z + b)
    u_hat                  = u + (m(w.u) - w.u) w / |w|^2,    m(t) = -1 + log(1 + e^t)
    log|det d forward/dz|  = log(1 + (w.u_hat) (1 - tanh(w.z + b)^2))
    ```

    The constraint `w.u_hat = m(w.u) > -1` keeps the layer invertible for every value of
    the variables. The division is by the squared norm of `w`. At `w = 0`, where the
    paper's formula has no value, `u_hat = u`.

    The inverse has no closed form, but only one number of it is unknown. With
    `alpha = w.z`, the forward formula times `w` reads

    ```none
    alpha + (w.u_hat) tanh(alpha + b) = w.y,     then     z = y - u_hat tanh(alpha + b)
    ```

    whose left side increases in `alpha`. It is solved to machine precision by Newton's
    method kept inside a shrinking bracket, and is differentiable to third order.

    Args:
      event_size: Number of dimensions d, at least 1.
      u: Initial value of the variable `u`, shape `[d]`; small random numbers by default.
      w: Initial value of the variable `w`, shape `[d]`; random numbers by default.
      b: Initial value of the variable `b`, a number.
      raw: In place of variables, u, w and b in one tensor `[..., 2 d + 1]`, as a network makes
        them; its leading dimensions are those of the points.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1, an initial value has another shape or is not
        finite, or `raw` has another width.

    Reference:
      Rezende & Mohamed (2015), Variational Inference with Normalizing Flows, equations
      10 to 12 and appendix A.1.

    Example:
      >>> layer = Planar(2, u=[1.0, 0.0], w=[2.0, 0.0])
      >>> layer.forward([[0.5, 3.0]]).shape
      TensorShape([1, 2])
    """

    def __init__(
        self,
        event_size,
        *,
        u=None,
        w=None,
        b=0.0,
        raw=None,
        seed=0,
        dtype=tf.float32,
        name="planar",
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        d = self.event_size
        if raw is not None:
            self.u, self.w, b = split_raw(raw, [d, d, 1], self.dtype)
            self.b = b[..., 0]
            return
        rng = random_generator(seed)
        # A small u starts the layer near the identity; w of unit length on average lets
        # the tanh bend over about one standard deviation of the base.
        random_u, random_w = 0.01 * rng.normal(size=d), rng.normal(size=d) / np.sqrt(d)
        u, w = random_u if u is None else u, random_w if w is None else w
        self.u = tf.Variable(initial_value("u", u, [d], dtype), name="u")
        self.w = tf.Variable(initial_value("w", w, [d], dtype), name="w")
        self.b = tf.Variable(initial_value("b", b, [], dtype), name="b")

    def _slope_at_plane(self):
        """1 + w.u_hat, which is softplus(w.u): written so, it stays positive in floats."""
        slope = tf.math.softplus(tf.reduce_sum(self.w * self.u, axis=-1))
        return tf.where(tf.reduce_any(self.w != 0, axis=-1), slope, tf.ones_like(slope))

    @property
    def u_hat(self):
        """The constrained direction, shape `[..., d]` (appendix A.1)."""
        return self._u_hat(self._slope_at_plane())

    def _u_hat(self, slope_at_plane):
        w_dot_u = tf.reduce_sum(self.w * self.u, axis=-1)
        correction = slope_at_plane - 1.0 - w_dot_u
        square = tf.reduce_sum(tf.square(self.w), axis=-1, keepdims=True)
        return self.u + correction[..., tf.newaxis] * tf.math.divide_no_nan(self.w, square)

    def _height(self, points):
        """w.z, shape `[...]`."""
        if self.w.shape.rank == 1:
            return tf.tensordot(points, self.w, axes=1)
        return tf.reduce_sum(points * self.w, axis=-1)

    def _forward_and_log_det(self, z):
        push, log_det = self._push_and_log_det(self._height(z), self._slope_at_plane())
        return z + push, log_det

    def _inverse_and_log_det(self, y):
        slope_at_plane = self._slope_at_plane()
        alpha = self._solve(self._height(y), slope_at_plane)
        push, log_det = self._push_and_log_det(alpha, slope_at_plane)
        return y - push, -log_det

    def _push_and_log_det(self, alpha, slope_at_plane):
        push = self._u_hat(slope_at_plane) * tf.tanh(alpha + self.b)[..., tf.newaxis]
        return push, tf.math.log(_slope(alpha, slope_at_plane, self.b))

    def _solve(self, target, slope_at_plane):
        """Solves `alpha + (w.u_hat) tanh(alpha + b) = target` elementwise."""
        eps = np.finfo(self.dtype.as_numpy_dtype).eps
        reach = tf.abs(slope_at_plane - 1.0)  # |tanh| <= 1 brackets the root
        return increasing_root(
            _residual_and_slope,
            (target, slope_at_plane, self.b),
            start=target,
            low=target - reach,
            high=target + reach,
            tolerance=2.0 * eps * (tf.abs(target) + reach),
        )


def _slope(alpha, slope_at_plane, b):
    """1 + (w.u_hat) (1 - t^2) with t = tanh(alpha + b), without the cancellation."""
    t2 = tf.square(tf.tanh(alpha + b))
    return t2 + slope_at_plane * (1.0 - t2)


def _residual_and_slope(alpha, target, slope_at_plane, b):
    residual = alpha + (slope_at_plane - 1.0) * tf.tanh(alpha + b) - target
    return residual, _slope(alpha, slope_at_plane, b)
