"""The coupling layer: one part of the vector decides how the other is transformed."""

import tensorflow as tf

from normflows_tut.bijectors._vector import (
    VectorBijector,
    by_coordinate,
    check_tracked,
    forward_and_log_det,
    inverse_and_log_det,
    takes_context,
)


class Coupling(VectorBijector):
    """Coupling: one part of the vector passes and decides how the other part is transformed.

    ```none
    forward(x):   y_a = x_a
                  y_b = g(x_b; conditioner(x_a))
    inverse(y):   x_a = y_a
                  x_b = g^-1(y_b; conditioner(y_a))
    log|det d forward/dx| = log|det dg/dx_b|
    ```

    The first `event_size // 2` coordinates are the part `a` that passes unchanged, the rest
    the part `b`; `flip=True` exchanges the roles. Two couplings that alternate change every
    coordinate, and no permutation is needed between them.

    Args:
      event_size: Number of dimensions d, at least 2.
      conditioner: Callable from `x_a`, shape `[..., d_a]`, to the parameters of g: shape
        `[..., P d_b]`, all first parameters, then all second ones, and so on. Use a
        `tf.Module` such as `networks.MLP`, so that its variables are found. If it has a
        `context_size` above 0, it is called with a context as well; see `given`.
      transform: Callable from parameters `[..., P, d_b]` to a bijector g on events `[d_b]`:
        `BoundedAffine`, `RationalQuadraticSpline`, `DeepSigmoid`, a lambda around one, or the
        `tfb.Invert` of one.
      flip: Whether the first part is transformed, given the rest.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 2, the conditioner holds variables that a `tf.Module`
        cannot see, as Keras 3 models do, or its output is no multiple of d_b wide.

    Reference:
      Dinh, Krueger & Bengio (2015), NICE, section 3.2; Durkan et al. (2019), Neural Spline
      Flows, section 2.1.

    Example:
      >>> from normflows_tut.networks import MLP
      >>> layer = Coupling(3, MLP(1, 2 * 23), RationalQuadraticSpline)
      >>> layer.forward([[1.0, 2.0, 3.0]]).shape
      TensorShape([1, 3])
    """

    def __init__(
        self,
        event_size,
        conditioner,
        transform,
        *,
        flip=False,
        dtype=tf.float32,
        name="coupling",
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        if self.event_size < 2:
            raise ValueError(
                f"A coupling needs an event_size of at least 2, one coordinate to condition on "
                f"and one to transform; got {event_size}."
            )
        check_tracked(conditioner)
        first = self.event_size // 2
        self._sizes = [first, self.event_size - first]
        self._flip = bool(flip)
        self._transform = transform
        self.conditioner = conditioner

    @property
    def flip(self):
        """Whether the first part is transformed, given the rest."""
        return self._flip

    @property
    def takes_context(self):
        """Whether the conditioner takes a context besides."""
        return takes_context(self.conditioner)

    def transform(self, passed, *context):
        """Returns the bijector that acts on the other part, given the part that passes."""
        size = self._sizes[0] if self._flip else self._sizes[1]
        return self._transform(by_coordinate(self.conditioner(passed, *context), size, self.name))

    def _split(self, x):
        """Returns the part that passes and the part that is transformed."""
        first, second = tf.split(x, self._sizes, axis=-1)
        return (second, first) if self._flip else (first, second)

    def _join(self, passed, changed):
        parts = (changed, passed) if self._flip else (passed, changed)
        return tf.concat(parts, axis=-1)

    def _forward_and_log_det(self, x, *context):
        passed, changed = self._split(x)
        changed, log_det = forward_and_log_det(self.transform(passed, *context), changed)
        return self._join(passed, changed), log_det

    def _inverse_and_log_det(self, y, *context):
        passed, changed = self._split(y)
        changed, log_det = inverse_and_log_det(self.transform(passed, *context), changed)
        return self._join(passed, changed), log_det
