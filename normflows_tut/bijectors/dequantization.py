"""Dequantization: the noise that makes whole numbers continuous, bent to the flow's liking."""

import tensorflow as tf

from normflows_tut.bijectors._vector import (
    VectorBijector,
    by_coordinate,
    check_tracked,
    forward_and_log_det,
    inverse_and_log_det,
)


class Dequantization(VectorBijector):
    """Bends the noise within each unit cell, as the whole numbers of the cell decide.

    ```none
    forward(x + e) = x + g^-1(e; conditioner(x))        x whole, e and u in [0, 1)
    inverse(x + u) = x + g(u; conditioner(x))           g maps [0, 1] onto itself
    ```

    It belongs to the data side of a flow. Let p be the density of the flow before it, u uniform
    on [0, 1)^d, and q(e | x) the density of e = g(u; x). Then for whole numbers x

    ```none
    log P(x) = log int p(x + e) de
            >= E[log p(x + e) - log q(e | x)] = E[log p(inverse(x + u)) + log|det d inverse/dy|]
    ```

    with equality where q(e | x) is proportional to p(x + e). The last expression is the
    log-density of the flow with this layer at y = x + u: who adds uniform noise and trains by
    likelihood trains this bound. Without the layer, q is uniform: uniform dequantization.

    Args:
      event_size: Number of coordinates, or of channels of an image.
      conditioner: Callable from x, `[..., c]`, to the parameters of g, `[..., P c]`, as in
        `Coupling`. It gets whole numbers, such as 0 to 255.
      transform: Callable from parameters `[..., P, c]` to a bijector on events `[c]` that maps
        [-1/2, 1/2] onto itself; a `RationalQuadraticSpline` with `bound=0.5` does.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: The conditioner holds variables that a `tf.Module` cannot see. On use, if what
        it returns is no multiple of `event_size`.

    Reference:
      Ho, Chen, Srinivas, Duan & Abbeel (2019), Flow++, section 3.1, equation 12.
      Theis, van den Oord & Bethge (2016), A Note on the Evaluation of Generative Models, section
      3.1, for uniform noise.

    Example:
      >>> from normflows_tut import networks
      >>> layer = Dequantization(
      ...     1, networks.Embedding(256, 23), lambda raw: RationalQuadraticSpline(raw, bound=0.5)
      ... )
      >>> layer.inverse([[[[7.25]]]]).numpy().item()
      7.25
    """

    def __init__(
        self, event_size, conditioner, transform, *, dtype=tf.float32, name="dequantization"
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        check_tracked(conditioner)
        self._transform = transform
        self.conditioner = conditioner

    def _noise_transform(self, x):
        return self._transform(by_coordinate(self.conditioner(x), self.event_size, self.name))

    def _bend(self, y, direction):
        x = tf.floor(y)
        bent, log_det = direction(self._noise_transform(x), y - x - 0.5)
        # An end of the cell that was rounded up would be in the next one.
        below = 1 - tf.constant(2.0**-16, y.dtype)
        return x + tf.clip_by_value(bent + 0.5, 0.0, below), log_det

    def _forward_and_log_det(self, y):
        return self._bend(y, inverse_and_log_det)

    def _inverse_and_log_det(self, y):
        return self._bend(y, forward_and_log_det)
