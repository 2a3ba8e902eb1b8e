"""The masked autoregressive layer: every coordinate transformed given those before it."""

import tensorflow as tf

from normflows_tut.bijectors._vector import (
    VectorBijector,
    check_tracked,
    forward_and_log_det,
    inverse_and_log_det,
    takes_context,
)


class MaskedAutoregressive(VectorBijector):
    """Autoregressive layer: each coordinate is transformed, given those before it.

    ```none
    inverse(y):   x_i = g^-1(y_i; parameters_i(y_1 ... y_(i-1)))     all i at once
    forward(x):   y_i = g(x_i; parameters_i(y_1 ... y_(i-1)))        one i after the other
    log|det d forward/dx| = sum_i log g'(x_i)
    ```

    As it is, a density costs one evaluation of the conditioner and a sample takes d steps:
    the masked autoregressive flow (MAF). `tfb.Invert` of it exchanges the two: the inverse
    autoregressive flow (IAF).

    With a `networks.MADE` a sample takes at most about twice the arithmetic of a density, in d
    small steps, each from what the coordinates before have left. With any other conditioner the
    whole of it is evaluated d times. Either way the steps run far faster inside a `tf.function`.

    Args:
      event_size: Number of dimensions d, at least 1.
      conditioner: Callable from points `[..., d]` to parameters `[..., P, d]`, those of
        coordinate i computed from the coordinates before i in some order. A `networks.MADE`.
        If it has a `context_size` above 0, it is called with a context as well; see `given`.
      transform: Callable from parameters `[..., P, d]` to a bijector g on events `[d]` that
        acts elementwise: `BoundedAffine`, `RationalQuadraticSpline`, `DeepSigmoid`, a
        lambda around one, or the `tfb.Invert` of one.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1, or the conditioner holds variables that a
        `tf.Module` cannot see, as Keras 3 models do.

    Reference:
      Papamakarios, Pavlakou & Murray (2017), Masked Autoregressive Flow, equations 3 to 5;
      Kingma et al. (2016), Inverse Autoregressive Flow, section 4 and Algorithm 1.

    Example:
      >>> from normflows_tut.networks import MADE
      >>> layer = MaskedAutoregressive(3, MADE(3, num_parameters=2), BoundedAffine)
      >>> layer.inverse([[1.0, 2.0, 3.0]]).numpy().tolist()
      [[1.0, 2.0, 3.0]]
    """

    def __init__(
        self, event_size, conditioner, transform, *, dtype=tf.float32, name="masked_autoregressive"
    ):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        check_tracked(conditioner)
        self.conditioner = conditioner
        self._transform = transform

    @property
    def takes_context(self):
        """Whether the conditioner takes a context besides."""
        return takes_context(self.conditioner)

    def transform(self, y, *context):
        """Returns the elementwise bijector g, given a point on the data side."""
        return self._transform(self.conditioner(y, *context))

    def _inverse_and_log_det(self, y, *context):
        return inverse_and_log_det(self.transform(y, *context), y)

    def _forward_and_log_det(self, x, *context):
        if not hasattr(self.conditioner, "solve"):
            return self._forward_by_repetition(x, *context)
        batch = tf.shape(x)[:-1]
        y, log_det = self.conditioner.solve(
            lambda raw, x_i: forward_and_log_det(self._transform(raw), x_i),
            tf.reshape(x, [-1, self.event_size]),
            *(rows_of(c, batch) for c in context),
        )
        return tf.reshape(y, tf.shape(x)), tf.reshape(log_det, batch)

    def _forward_by_repetition(self, x, *context):
        # After k rounds the first k coordinates, in the conditioner's order, are right.
        def one_round(k, y, log_det):
            del log_det
            return k + 1, *forward_and_log_det(self.transform(y, *context), x)

        start = (0, tf.zeros_like(x), tf.zeros_like(x[..., 0]))
        return tf.while_loop(
            lambda k, *_: k < self.event_size,
            one_round,
            start,
            maximum_iterations=self.event_size,  # XLA needs it for the gradient
        )[1:]


def rows_of(context, batch):
    """Returns `context` `[..., c]` as rows `[n, c]`, one for each of the points of `batch`."""
    context = tf.broadcast_to(context, tf.concat([batch, tf.shape(context)[-1:]], axis=0))
    return tf.reshape(context, [-1, context.shape[-1]])
