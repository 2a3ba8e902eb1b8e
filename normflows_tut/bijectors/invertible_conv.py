"""The invertible 1x1 convolution of Glow: a learned permutation of the channels, and more."""

import numpy as np
import scipy.linalg
import tensorflow as tf

from normflows_tut._checks import random_generator
from normflows_tut.bijectors._vector import VectorBijector

PARAMETRIZATIONS = ("lu", "qr", "householder")


class InvertibleConv1x1(VectorBijector):
    """Mixes the channels of every pixel by one matrix W, which stays invertible.

    ```none
    inverse(y) = W y        forward(x) = W^-1 x         for each pixel
    log|det d inverse/dy| = log|det W|                  for each pixel
    ```

    W is the matrix of a 1 x 1 convolution on the way from data to base, as in Glow. It is made of
    parts whose determinant can be read off:

    ```none
    "lu":           W = P L (U + diag(s))    P a fixed permutation, L unit lower triangular,
                                             U strictly upper triangular, |s_i| = exp(log_scale_i)
    "qr":           W = Q (R + diag(s))      Q a product of reflections, R strictly upper
                                             triangular, s_i = exp(log_scale_i)
    "householder":  W = Q                    always orthogonal
    log|det W| = sum_i log_scale_i, or 0
    ```

    A product of c reflections in the directions v_1 ... v_c is computed at once,

    ```none
    Q = I - V S^-1 V^T,     S = strictly upper part of V^T V, plus half of its diagonal
    ```

    and every orthogonal matrix with the determinant (-1)^c is one. All three start as a random
    orthogonal matrix. The cost is that of c x c matrices, whatever the size of the image.

    On images `[..., h, w, c]` it acts on each pixel alike; on vectors `[..., c]` it is a linear
    layer.

    Args:
      event_size: Number of channels c, at least 1.
      parametrization: `"lu"`, `"qr"` or `"householder"`.
      seed: An int or a sequence of ints; decides the matrix at the start.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1, or the parametrization is unknown.

    Reference:
      Kingma & Dhariwal (2018), Glow: Generative Flow with Invertible 1x1 Convolutions, section
      3.2, equations 9 to 11. Hoogeboom, van den Berg & Welling (2019), Emerging Convolutions for
      Generative Normalizing Flows, section 3.3, for QR; Tomczak & Welling (2016), Improving
      Variational Auto-Encoders Using Householder Flow, for the reflections.

    Example:
      >>> layer = InvertibleConv1x1(3)
      >>> layer.inverse_log_det_jacobian(tf.zeros([2, 5, 5, 3]), event_ndims=3).shape
      TensorShape([2])
    """

    def __init__(
        self,
        event_size,
        parametrization="lu",
        *,
        seed=0,
        dtype=tf.float32,
        name="invertible_conv_1x1",
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        if parametrization not in PARAMETRIZATIONS:
            raise ValueError(
                f"Unknown parametrization {parametrization!r}; known: "
                f"{', '.join(PARAMETRIZATIONS)}."
            )
        self.parametrization = parametrization
        c, normal = self.event_size, random_generator(seed).normal
        directions, size = normal(size=[c, c]), [c, c]
        if parametrization != "lu":
            self.directions = tf.Variable(tf.cast(directions, dtype), name="directions")
        if parametrization == "qr":
            self.upper = tf.Variable(tf.zeros(size, dtype), name="upper")
            self.log_scale = tf.Variable(tf.zeros([c], dtype), name="log_scale")
        if parametrization == "lu":
            p, lower, upper = scipy.linalg.lu(np.linalg.qr(directions)[0])
            scale = np.diag(upper)
            # Variables, so that weights can be loaded into a layer that was made with another seed.
            self.permutation = tf.Variable(tf.cast(p, dtype), trainable=False, name="permutation")
            self.sign = tf.Variable(tf.cast(np.sign(scale), dtype), trainable=False, name="sign")
            self.lower = tf.Variable(tf.cast(np.tril(lower, -1), dtype), name="lower")
            self.upper = tf.Variable(tf.cast(np.triu(upper, 1), dtype), name="upper")
            self.log_scale = tf.Variable(tf.cast(np.log(np.abs(scale)), dtype), name="log_scale")

    def matrix(self):
        """Returns W, `[c, c]`."""
        if self.parametrization == "lu":
            return self.permutation @ self._unit_lower() @ self._upper()
        if self.parametrization == "qr":
            return self._orthogonal() @ self._upper()
        return self._orthogonal()

    def inverse_matrix(self):
        """Returns W^-1, `[c, c]`, by triangular solves or a transpose."""
        solve = tf.linalg.triangular_solve
        if self.parametrization == "lu":
            right = solve(self._unit_lower(), tf.transpose(self.permutation), lower=True)
            return solve(self._upper(), right, lower=False)
        transposed = tf.transpose(self._orthogonal())
        if self.parametrization == "qr":
            return solve(self._upper(), transposed, lower=False)
        return transposed

    def _unit_lower(self):
        return tf.linalg.set_diag(_below_diagonal(self.lower), tf.ones_like(self.log_scale))

    def _upper(self):
        scale = tf.exp(self.log_scale)
        if self.parametrization == "lu":
            scale *= self.sign
        return tf.linalg.set_diag(_above_diagonal(self.upper), scale)

    def _orthogonal(self):
        v = self.directions  # in the columns
        products = tf.matmul(v, v, transpose_a=True)
        s = tf.linalg.set_diag(_above_diagonal(products), 0.5 * tf.linalg.diag_part(products))
        weights = tf.linalg.triangular_solve(s, tf.transpose(v), lower=False)
        return tf.eye(self.event_size, dtype=self.dtype) - v @ weights

    def _forward_and_log_det(self, x):
        return _each(self.inverse_matrix(), x), -self._log_det(x)

    def _inverse_and_log_det(self, y):
        return _each(self.matrix(), y), self._log_det(y)

    def _log_det(self, x):
        total = tf.zeros([], self.dtype)
        if self.parametrization != "householder":
            total = tf.reduce_sum(self.log_scale)
        return tf.broadcast_to(total, tf.shape(x)[:-1])


def _each(matrix, vectors):
    """Returns `matrix` times every vector of `vectors`, `[..., c]`."""
    return tf.einsum("ij,...j->...i", matrix, vectors)


def _above_diagonal(matrix):
    return matrix - tf.linalg.band_part(matrix, -1, 0)


def _below_diagonal(matrix):
    return matrix - tf.linalg.band_part(matrix, 0, -1)
