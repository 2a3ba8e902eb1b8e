"""Targets whose density is a short formula: Gaussians, rings, pinwheel, banana."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.targets._base import Target, box_around, choice, noise, safe_norm, uniform


class Gaussians(Target):
    """Equally weighted isotropic Gaussians.

    p(x) = mean over k of N(x; m_k, s^2 I)
    """

    def __init__(self, centres, scale, dtype=tf.float32, name="Gaussians"):
        """Takes the components.

        Args:
          centres: The means m_k, array [k, 2].
          scale: The standard deviation s.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        centres = np.asarray(centres, np.float64)
        self._scale = scale
        super().__init__(
            box_around(centres, 5 * scale),
            table_width=2 * len(centres),
            dtype=dtype,
            parameters=parameters,
            name=name,
        )
        self._centres = tf.constant(centres, self.dtype)

    def _sample_n(self, n, seed=None):
        which, blur = tfp.random.split_seed(seed, 2)
        centres = tf.gather(self._centres, choice(n, which, len(self._centres)))
        return centres + noise(n, blur, self._scale, self.dtype)

    def _log_density(self, points):
        offsets = (points[:, tf.newaxis] - self._centres) / self._scale  # [n, k, 2]
        log_sum = tf.reduce_logsumexp(-tf.reduce_sum(offsets**2, axis=-1) / 2, axis=-1)
        return log_sum - np.log(len(self._centres) * 2 * np.pi * self._scale**2)


class Rings(Target):
    """Equally weighted circles around the origin with isotropic Gaussian noise.

    The mean of a Gaussian carried once around a circle of radius R is a Bessel function:

        p(x) = mean over R of exp(-(r^2 + R^2) / (2 s^2)) I_0(r R / s^2) / (2 pi s^2)
             = mean over R of exp(-(r - R)^2 / (2 s^2)) I_0e(r R / s^2) / (2 pi s^2)

    with r = |x| and I_0e(z) = exp(-z) I_0(z), which does not overflow. It is the density of
    a Rice distribution, in the plane.
    """

    def __init__(self, radii, noise_scale, dtype=tf.float32, name="Rings"):
        """Takes the circles.

        Args:
          radii: The radii R, array [k].
          noise_scale: The standard deviation s of the noise.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        self._scale = noise_scale
        reach = max(radii) + 5 * noise_scale
        super().__init__(
            ((-reach, reach), (-reach, reach)),
            table_width=len(radii),
            dtype=dtype,
            parameters=parameters,
            name=name,
        )
        self._radii = tf.constant(radii, self.dtype)

    def _sample_n(self, n, seed=None):
        which, turn, blur = tfp.random.split_seed(seed, 3)
        radius = tf.gather(self._radii, choice(n, which, len(self._radii)))
        angle = uniform(n, turn, self.dtype, 0.0, 2 * np.pi)
        circle = radius[:, tf.newaxis] * tf.stack([tf.cos(angle), tf.sin(angle)], axis=-1)
        return circle + noise(n, blur, self._scale, self.dtype)

    def _log_density(self, points):
        r = safe_norm(points)[:, tf.newaxis]
        log_bessel = tf.math.log(tf.math.bessel_i0e(r * self._radii / self._scale**2))
        log_rings = -(((r - self._radii) / self._scale) ** 2) / 2 + log_bessel
        log_sum = tf.reduce_logsumexp(log_rings, axis=-1)
        return log_sum - np.log(len(self._radii) * 2 * np.pi * self._scale**2)


class Pinwheel(Target):
    """Five Gaussian blades, twisted by their distance to the centre.

        f_1 ~ N(1, 0.3^2),  f_2 ~ N(0, 0.1^2),  k uniform on 0 .. 4
        x = 2 R(2 pi k / 5 + exp(|f|) / 4) f

    where R(a) turns clockwise by a. The usual pinwheel twists by exp(f_1) / 4 instead, which
    folds the plane over itself: two different f can meet in one x, and the density has no
    short formula. A twist that depends on |f| alone moves every circle around itself, so it
    has an inverse and keeps all volumes, and the density is the Gaussian at f, over 4.
    The twist stops growing at |f| = 10, where the density is below exp(-450).
    """

    _ARMS, _SCALES, _RATE, _SIZE, _TWIST_END = 5, (0.3, 0.1), 0.25, 2.0, 10.0

    def __init__(self, dtype=tf.float32, name="pinwheel"):
        """Takes the dtype.

        Args:
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        reach = self._SIZE * (1 + 5 * self._SCALES[0])
        super().__init__(
            ((-reach, reach), (-reach, reach)),
            table_width=2 * self._ARMS,
            dtype=dtype,
            parameters=parameters,
            name=name,
        )

    def _angle(self, radius, arm):
        twist = self._RATE * tf.exp(tf.minimum(radius, self._TWIST_END))
        return 2 * np.pi / self._ARMS * tf.cast(arm, self.dtype) + twist

    def _sample_n(self, n, seed=None):
        which, blur = tfp.random.split_seed(seed, 2)
        unit = tf.random.stateless_normal([n, 2], seed=blur, dtype=self.dtype)
        f1, f2 = 1 + self._SCALES[0] * unit[:, 0], self._SCALES[1] * unit[:, 1]
        angle = self._angle(tf.sqrt(f1**2 + f2**2), choice(n, which, self._ARMS))
        cos, sin = tf.cos(angle), tf.sin(angle)
        return self._SIZE * tf.stack([f1 * cos + f2 * sin, f2 * cos - f1 * sin], axis=-1)

    def _log_density(self, points):
        f = points / self._SIZE
        angle = self._angle(safe_norm(f)[:, tf.newaxis], tf.range(self._ARMS))  # [n, arms]
        cos, sin = tf.cos(angle), tf.sin(angle)
        f1 = f[:, :1] * cos - f[:, 1:] * sin
        f2 = f[:, :1] * sin + f[:, 1:] * cos
        squares = ((f1 - 1) / self._SCALES[0]) ** 2 + (f2 / self._SCALES[1]) ** 2
        log_sum = tf.reduce_logsumexp(-squares / 2, axis=-1)
        area = self._SIZE**2 * self._SCALES[0] * self._SCALES[1]
        return log_sum - np.log(self._ARMS * 2 * np.pi * area)


class Banana(Target):
    """A Gaussian bent into a parabola.

        x_2 ~ N(0, 4^2),  x_1 | x_2 ~ N(x_2^2 / 4, 1)

    Its entropy is that of the two normal factors, 1 + log(2 pi) + log 4.

    Reference:
      Papamakarios, Pavlakou and Murray (2017), Masked Autoregressive Flow for Density
      Estimation, figure 1, where x_2 ~ N(0, 2^2). Ours is twice as wide: more bend.
    """

    def __init__(self, dtype=tf.float32, name="banana"):
        """Takes the dtype.

        Args:
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        # One in a million points has |x_2| > 19.6, which puts x_1 at 96 and more.
        super().__init__(
            ((-5, 105), (-20, 20)),
            view=((-4, 36), (-12, 12)),
            dtype=dtype,
            parameters=parameters,
            name=name,
        )

    def _sample_n(self, n, seed=None):
        unit = noise(n, tfp.random.sanitize_seed(seed), 1.0, self.dtype)
        x2 = 4 * unit[:, 1]
        return tf.stack([x2**2 / 4 + unit[:, 0], x2], axis=-1)

    def _log_density(self, points):
        x1, x2 = tf.unstack(points, axis=-1)
        squares = (x1 - x2**2 / 4) ** 2 + (x2 / 4) ** 2
        return -squares / 2 - np.log(2 * np.pi * 4)

    def _entropy(self):
        return tf.constant(1 + np.log(2 * np.pi) + np.log(4), self.dtype)
