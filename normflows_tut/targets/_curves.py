"""Curves with Gaussian noise: the density is a line integral along the curve."""

import itertools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.targets._base import (
    Target,
    box_around,
    choice,
    gauss_legendre,
    log_normal_interval,
    noise,
    uniform,
)


class NoisyCurve(Target):
    """A point of a curve at a uniform parameter, with isotropic Gaussian noise.

        x = c(t) + e,  t ~ U[t_0, t_m],  e ~ N(0, s^2 I)
        p(x) = integral of N(x; c(t), s^2 I) dt / (t_m - t_0)

    The integral is taken by Gauss-Legendre quadrature on each piece [t_i, t_i+1] and summed
    in log space. For nodes that lie h apart along the curve its error falls like
    exp(-2 pi^2 s^2 / h^2), so it is below 1e-8 once h < s.
    """

    def __init__(self, curve, breaks, noise_scale, num_nodes, dtype=tf.float32, name="NoisyCurve"):
        """Places the nodes.

        Args:
          curve: Function from parameters [n] to points [n, 2], smooth between the breaks.
          breaks: The increasing parameters t_0 .. t_m where the pieces of the curve meet.
          noise_scale: Standard deviation s of the noise.
          num_nodes: Number of quadrature nodes on each piece.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        pieces = [gauss_legendre(a, b, num_nodes) for a, b in itertools.pairwise(breaks)]
        nodes, weights = np.concatenate(pieces, axis=1)
        with tf.init_scope():
            centres = curve(tf.constant(nodes, tf.float64)).numpy()
        log_weights = np.log(weights / (breaks[-1] - breaks[0]))
        self._curve, self._interval, self._scale = curve, (breaks[0], breaks[-1]), noise_scale
        super().__init__(
            box_around(centres, 5 * noise_scale),
            table_width=len(nodes),
            dtype=dtype,
            parameters=parameters,
            name=name,
        )
        self._centres = tf.constant(centres, self.dtype)
        self._log_weights = tf.constant(
            log_weights - np.log(2 * np.pi * noise_scale**2), self.dtype
        )

    def _sample_n(self, n, seed=None):
        place, blur = tfp.random.split_seed(seed, 2)
        t = uniform(n, place, self.dtype, *self._interval)
        return self._curve(t) + noise(n, blur, self._scale, self.dtype)

    def _log_density(self, points):
        squares = tf.zeros([], self.dtype)
        for axis in range(2):  # two [n, nodes] tables are smaller than one of [n, nodes, 2]
            offset = points[:, axis, tf.newaxis] - self._centres[:, axis]
            squares += (offset / self._scale) ** 2
        return tf.reduce_logsumexp(self._log_weights - squares / 2, axis=-1)


class Line(Target):
    """A segment of the diagonal y = x with isotropic Gaussian noise, in closed form.

        x = (t, t) + e,  t ~ U[-h, h],  e ~ N(0, s^2 I)

    Along the diagonal the point is a uniform number plus a normal one, across it a normal
    number, and the two are independent.
    """

    def __init__(self, half_length=2.5, noise_scale=0.1, dtype=tf.float32, name="line"):
        """Takes h and s.

        Args:
          half_length: h, along either axis.
          noise_scale: Standard deviation s of the noise.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        self._half_length, self._scale = half_length, noise_scale
        reach = half_length + 5 * noise_scale
        super().__init__(
            ((-reach, reach), (-reach, reach)), dtype=dtype, parameters=parameters, name=name
        )

    def _sample_n(self, n, seed=None):
        place, blur = tfp.random.split_seed(seed, 2)
        t = uniform(n, place, self.dtype, -self._half_length, self._half_length)
        return t[:, tf.newaxis] + noise(n, blur, self._scale, self.dtype)

    def _log_density(self, points):
        along = (points[:, 0] + points[:, 1]) / (np.sqrt(2) * self._scale)
        across = (points[:, 0] - points[:, 1]) / (np.sqrt(2) * self._scale)
        end = np.sqrt(2) * self._half_length / self._scale
        log_along = log_normal_interval(along - end, along + end) - np.log(2 * end)
        log_across = -(across**2) / 2 - np.log(2 * np.pi) / 2
        return log_along + log_across - 2 * np.log(self._scale)


class Spirals(Target):
    """Two spiral arms, each blurred by a box and a Gaussian.

        n = 3 pi sqrt(u),  u, v_1, v_2 ~ U[0, 1]
        x = +-((-n cos n, n sin n) + v / 2) / 3 + e,  e ~ N(0, 0.1^2 I)

    Given n, each coordinate is a box of width 1/6 plus a normal number: a difference of two
    normal distribution functions. What is left is one integral over n, whose density is
    2 n / (3 pi)^2; it is taken by Gauss-Legendre quadrature in log space.
    """

    _BOX, _SCALE, _END = 1 / 6, 0.1, 3 * np.pi

    def __init__(self, num_nodes=320, dtype=tf.float32, name="spirals"):
        """Places the nodes.

        Args:
          num_nodes: Number of quadrature nodes on an arm.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        n, weights = gauss_legendre(0.0, self._END, num_nodes)
        corners = np.stack([-n * np.cos(n), n * np.sin(n)], axis=-1) / 3
        outline = np.concatenate([corners, corners + self._BOX])
        super().__init__(
            box_around(np.concatenate([outline, -outline]), 5 * self._SCALE),
            table_width=2 * num_nodes,
            dtype=dtype,
            parameters=parameters,
            name=name,
        )
        self._corners = tf.constant(corners, self.dtype)
        log_weights = np.log(weights * 2 * n / self._END**2)
        self._log_weights = tf.constant(log_weights - 2 * np.log(self._BOX), self.dtype)

    def _sample_n(self, n, seed=None):
        place, box, side, blur = tfp.random.split_seed(seed, 4)
        t = self._END * tf.sqrt(uniform(n, place, self.dtype))
        corner = tf.stack([-t * tf.cos(t), t * tf.sin(t)], axis=-1) / 3
        arm = corner + self._BOX * tf.random.stateless_uniform([n, 2], seed=box, dtype=self.dtype)
        sign = tf.cast(2 * choice(n, side, 2) - 1, self.dtype)[:, tf.newaxis]
        return sign * arm + noise(n, blur, self._SCALE, self.dtype)

    def _log_density(self, points):
        arms = tf.stack([self._log_arm(points), self._log_arm(-points)])
        return tf.reduce_logsumexp(arms, axis=0) - np.log(2)

    def _log_arm(self, points):
        log_density = self._log_weights
        for axis in range(2):
            high = (points[:, axis, tf.newaxis] - self._corners[:, axis]) / self._SCALE
            log_density += log_normal_interval(high - self._BOX / self._SCALE, high)
        return tf.reduce_logsumexp(log_density, axis=-1)
