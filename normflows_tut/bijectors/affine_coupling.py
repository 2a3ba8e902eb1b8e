"""The affine coupling layer of RealNVP."""

import tensorflow as tf

from normflows_tut._checks import positive_float
from normflows_tut.bijectors._vector import VectorBijector


class AffineCoupling(VectorBijector):
    """Affine coupling: one part of the vector scales and shifts the other.

    ```none
    forward(x):   y_a = x_a
                  y_b = x_b * exp(s(x_a)) + t(x_a)
    inverse(y):   x_a = y_a
                  x_b = (y_b - t(y_a)) * exp(-s(y_a))
    log|det d forward/dx| = sum_i s_i(x_a)
    ```

    The first `event_size // 2` coordinates are the part `a` that passes unchanged, the rest
    the part `b`; `flip=True` exchanges the roles. Two couplings that alternate change every
    coordinate, and no permutation is needed between them.

    The log-scale is bounded softly, `s = bound * tanh(raw / bound)`: in float32, thirty
    layers of unbounded scales end in overflow.

    Args:
      event_size: Number of dimensions d, at least 2.
      conditioner: Callable from `x_a`, shape `[..., d_a]`, to `[..., 2 d_b]`: the raw
        log-scales, then the shifts. Use a `tf.Module` such as `networks.MLP`, so that its
        variables are found.
      flip: Whether the first part is transformed, given the rest.
      log_scale_bound: The largest log-scale, a number above 0.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 2, `log_scale_bound` is not above 0, or the
        conditioner holds variables that a `tf.Module` cannot see, as Keras 3 models do.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation using Real NVP, equations 4
      to 8.

    Example:
      >>> from normflows_tut.networks import MLP
      >>> layer = AffineCoupling(3, MLP(1, 4))
      >>> layer.forward([[1.0, 2.0, 3.0]]).shape
      TensorShape([1, 3])
    """

    def __init__(
        self,
        event_size,
        conditioner,
        *,
        flip=False,
        log_scale_bound=3.0,
        dtype=tf.float32,
        name="affine_coupling",
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        if self.event_size < 2:
            raise ValueError(
                f"A coupling needs an event_size of at least 2, one coordinate to condition on "
                f"and one to transform; got {event_size}."
            )
        if getattr(conditioner, "trainable_variables", None) and not isinstance(
            conditioner, tf.Module
        ):
            raise ValueError(
                f"The conditioner is a {type(conditioner).__module__}."
                f"{type(conditioner).__name__}, which is no tf.Module: its variables would be "
                f"missing from trainable_variables and from checkpoints. Use networks.MLP or "
                f"a tf_keras model."
            )
        first = self.event_size // 2
        self._sizes = [first, self.event_size - first]
        self._flip = bool(flip)
        self._bound = positive_float("log_scale_bound", log_scale_bound)
        self.conditioner = conditioner

    @property
    def flip(self):
        """Whether the first part is transformed, given the rest."""
        return self._flip

    def _split(self, x):
        """Returns the part that passes and the part that is transformed."""
        first, second = tf.split(x, self._sizes, axis=-1)
        return (second, first) if self._flip else (first, second)

    def _join(self, passed, changed):
        parts = (changed, passed) if self._flip else (passed, changed)
        return tf.concat(parts, axis=-1)

    def log_scale_and_shift(self, passed):
        """Returns s and t, each of shape `[..., d_b]`, given the part that passes."""
        raw = self.conditioner(passed)
        width = 2 * (self.event_size - passed.shape[-1])
        if raw.shape[-1] not in (None, width):  # a narrower one would broadcast
            raise ValueError(
                f"The conditioner of {self.name} must return {width} numbers, a log-scale and a "
                f"shift for each coordinate that is transformed; got shape {raw.shape}."
            )
        raw, shift = tf.split(raw, 2, axis=-1)
        return self._bound * tf.tanh(raw / self._bound), shift

    def _forward_and_log_det(self, x):
        passed, changed = self._split(x)
        log_scale, shift = self.log_scale_and_shift(passed)
        y = self._join(passed, changed * tf.exp(log_scale) + shift)
        return y, tf.reduce_sum(log_scale, axis=-1)

    def _inverse_and_log_det(self, y):
        passed, changed = self._split(y)
        log_scale, shift = self.log_scale_and_shift(passed)
        x = self._join(passed, (changed - shift) * tf.exp(-log_scale))
        return x, -tf.reduce_sum(log_scale, axis=-1)
