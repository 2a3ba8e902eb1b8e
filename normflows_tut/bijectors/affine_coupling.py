"""The affine coupling layer of RealNVP."""

import functools

import tensorflow as tf

from normflows_tut._checks import positive_float
from normflows_tut.bijectors.bounded_affine import BoundedAffine
from normflows_tut.bijectors.coupling import Coupling


class AffineCoupling(Coupling):
    """Affine coupling: one part of the vector scales and shifts the other.

    ```none
    forward(x):   y_a = x_a
                  y_b = x_b * exp(s(x_a)) + t(x_a)
    inverse(y):   x_a = y_a
                  x_b = (y_b - t(y_a)) * exp(-s(y_a))
    log|det d forward/dx| = sum_i s_i(x_a)
    ```

    A `Coupling` whose transform is `BoundedAffine`: see there for the parts a and b, and for
    the bound on s.

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
        bound = positive_float("log_scale_bound", log_scale_bound)
        super().__init__(
            event_size,
            conditioner,
            functools.partial(BoundedAffine, log_scale_bound=bound),
            flip=flip,
            dtype=dtype,
            name=name,
        )

    def log_scale_and_shift(self, passed, *context):
        """Returns s and t, each of shape `[..., d_b]`, given the part that passes."""
        return self.transform(passed, *context).log_scale_and_shift()
