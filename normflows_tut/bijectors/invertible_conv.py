"""The invertible 1x1 convolution of Glow: a learned permutation of the channels, and more."""

import numpy as np
import scipy.linalg
import tensorflow as tf

from normflows_tut._checks import random_generator
from normflows_tut.bijectors._vector import VectorBijector

PARAMETRIZATIONS = ("lu", "qr", "householder", "fixed")


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
                                             U strictly upper triangular, the signs of s fixed
    "qr":           W = Q (R + diag(s))      Q a product of reflections, R strictly upper
                                             triangular, s above 0
    "householder":  W = Q                    always orthogonal
    "fixed":        W as it starts           nothing is trained: to see what training W is worth
    log|det W| = sum_i log|s_i|, or 0
    ```

    Trained are the variables `entries` `[c, c]`, with L below, log|s| on and U above the diagonal;
    `upper` `[c, c]`, with log s on and R above it; and `directions`, of the reflections.

    A product of m reflections in the directions v_1 ... v_m is computed at once,

    ```none
    Q = I - V S^-1 V^T,     S = strictly upper part of V^T V, plus half of its diagonal
    ```

    and every orthogonal matrix of the same determinant is one, if m is at least c. All start as
    the orthogonal matrix `start`. The cost is that of c x c matrices, whatever the size of the
    image. A direction of zeros reflects nothing.

    A `start` that leaves all but l dimensions as they are is a product of l reflections. Moving a
    direction turns Q in the planes through it, as the reflections beside it carry it; Q can be
    turned in every plane if the directions span at least c - 1 dimensions. Until they do, pairs of
    equal reflections follow, which undo each other: m is c or c + 1 for a random rotation, and
    2 c - 2 for the identity (c > 1).

    On images `[..., h, w, c]` it acts on each pixel alike; on vectors `[..., c]` it is a linear
    layer.

    Args:
      event_size: Number of channels c, at least 1.
      parametrization: `"lu"`, `"qr"`, `"householder"` or `"fixed"`.
      start: The orthogonal matrix W to start from, `[c, c]`, as a permutation or a rotation of the
        channels; None takes a random one.
      seed: An int or a sequence of ints; decides the random matrix.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1, the parametrization is unknown, `seed` is no seed, or
        `start` is not orthogonal, of another shape or not of real numbers.

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
        start=None,
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
        generator = random_generator(seed)  # a bad seed is refused even if there is a start
        if start is None:
            size = [self.event_size] * 2
            start = np.linalg.qr(generator.normal(size=size))[0]
            start[0] *= np.linalg.det(start)  # a rotation
        w = _orthogonal_matrix(start, self.event_size)

        def variable(name, value, trainable=True):
            value = tf.convert_to_tensor(value, dtype)
            return tf.Variable(value, trainable=trainable, name=name)

        if parametrization == "lu":
            p, lower, upper = scipy.linalg.lu(w)
            scale = np.diag(upper)
            # Variables, so that weights can be loaded into a layer that started elsewhere.
            self.permutation = variable("permutation", p, trainable=False)
            self.sign = variable("sign", np.sign(scale), trainable=False)
            off_diagonal = np.tril(lower, -1) + np.triu(upper, 1)
            self.entries = variable("entries", off_diagonal + np.diag(np.log(np.abs(scale))))
        elif parametrization == "fixed":
            self.start = variable("start", w, trainable=False)
        else:
            self.directions = variable("directions", _reflections(w))
        if parametrization == "qr":
            self.upper = variable("upper", np.zeros_like(w))

    def matrix(self):
        """Returns W, `[c, c]`."""
        if self.parametrization == "lu":
            return self.permutation @ self._lower() @ self._upper()
        if self.parametrization == "qr":
            return self._orthogonal() @ self._upper()
        return self._orthogonal()

    def inverse_matrix(self):
        """Returns W^-1, `[c, c]`, by triangular solves or a transpose."""
        solve = tf.linalg.triangular_solve
        if self.parametrization == "lu":
            right = solve(self._lower(), tf.transpose(self.permutation), lower=True)
            return solve(self._upper(), right, lower=False)
        transposed = tf.transpose(self._orthogonal())
        if self.parametrization == "qr":
            return solve(self._upper(), transposed, lower=False)
        return transposed

    def _triangles(self):
        """The variable that holds the scales on its diagonal."""
        return self.entries if self.parametrization == "lu" else self.upper

    def _lower(self):
        below = self.entries - tf.linalg.band_part(self.entries, 0, -1)
        return below + tf.eye(self.event_size, dtype=self.dtype)

    def _upper(self):
        scale = tf.exp(tf.linalg.diag_part(self._triangles()))
        if self.parametrization == "lu":
            scale *= self.sign
        return tf.linalg.set_diag(_above_diagonal(self._triangles()), scale)

    def _orthogonal(self):
        if self.parametrization == "fixed":
            return tf.identity(self.start)
        v = self.directions  # in the columns
        products = tf.matmul(v, v, transpose_a=True)
        squares = tf.linalg.diag_part(products)
        # A direction of zeros would make S singular; with a 1 in its place it reflects nothing.
        half = tf.where(squares > 0, 0.5 * squares, tf.ones_like(squares))
        s = tf.linalg.set_diag(_above_diagonal(products), half)
        weights = tf.linalg.triangular_solve(s, tf.transpose(v), lower=False)
        return tf.eye(self.event_size, dtype=self.dtype) - v @ weights

    def _forward_and_log_det(self, x):
        return _each(self.inverse_matrix(), x), -self._log_det(x)

    def _inverse_and_log_det(self, y):
        return _each(self.matrix(), y), self._log_det(y)

    def _log_det(self, x):
        total = tf.zeros([], self.dtype)
        if self.parametrization in ("lu", "qr"):
            total = tf.linalg.trace(self._triangles())
        return tf.broadcast_to(total, tf.shape(x)[:-1])


def _orthogonal_matrix(start, size):
    try:
        w = np.asarray(start)
    except (TypeError, ValueError):  # rows of several lengths
        w = np.empty([], object)
    if w.dtype.kind not in "iuf":
        raise ValueError(f"start must be a matrix of real numbers, got {start!r}.")
    if w.shape != (size, size):
        hint = ""
        if w.shape == (size,) and sorted(w) == list(range(size)):
            hint = f" For a permutation give np.eye({size})[{w.astype(int).tolist()}]."
        raise ValueError(f"start must be a {size} x {size} matrix, got the shape {w.shape}.{hint}")
    w = w.astype(np.float64)
    error = np.abs(w @ w.T - np.eye(size)).max()
    if not error < 1e-6:
        raise ValueError(f"start must be orthogonal, but start @ start.T is {error:.2g} off.")
    return w


def _reflections(w):
    """Returns directions, in columns, of at least c reflections whose product is `w`, `[c, c]`.

    They span c - 1 dimensions or more, so that the product can be turned in every plane.
    """
    c, directions, unused, rest = len(w), [], [], w
    for i in range(c):
        v = rest[:, i] - np.eye(c)[i]  # its reflection takes column i to where the identity has it
        if np.linalg.norm(v) > 1e-9:
            v /= np.linalg.norm(v)
            directions.append(v)
            rest = rest - 2 * np.outer(v, v @ rest)
        else:
            unused.append(i)
    # The first i numbers of the i-th direction are 0, so that the unit vectors of the unused i
    # complete them to a basis. The same reflection twice undoes itself.
    for i in unused[: max(len(unused) - 1, (len(unused) + 1) // 2)]:
        directions += [np.eye(c)[i]] * 2
    return np.stack(directions, axis=1)


def _each(matrix, vectors):
    """Returns `matrix` times every vector of `vectors`, `[..., c]`."""
    return tf.einsum("ij,...j->...i", matrix, vectors)


def _above_diagonal(matrix):
    return matrix - tf.linalg.band_part(matrix, -1, 0)
