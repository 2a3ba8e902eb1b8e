"""What every bijector on vectors shares: a known event size, checked on every call."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import cache_util

from normflows_tut._checks import float_dtype, positive_int

tfb = tfp.bijectors

# `tfb.Invert(...)` returns an instance of its parent class unless what it inverts is a composite
# tensor; so it is the parent that tells one.
_INVERT = tfb.Invert.__bases__[0]


def is_inverted(bijector):
    """Returns whether a bijector is a `tfb.Invert`."""
    return isinstance(bijector, _INVERT)


def forward_and_log_det(bijector, x):
    """Returns y and log|det dy/dx| of a `VectorBijector`, or of a `tfb.Invert` of one."""
    if is_inverted(bijector):
        return bijector.bijector.inverse_and_log_det(x)
    return bijector.forward_and_log_det(x)


def inverse_and_log_det(bijector, y):
    """Returns x and log|det dx/dy| of a `VectorBijector`, or of a `tfb.Invert` of one."""
    if is_inverted(bijector):
        return bijector.bijector.forward_and_log_det(y)
    return bijector.inverse_and_log_det(y)


class VectorBijector(tfb.Bijector):
    """A bijector on events of shape `[event_size]`.

    A subclass says two things, each a value with its log-determinant:

    ```none
    _forward_and_log_det(x) -> (y, log|det dy/dx|)
    _inverse_and_log_det(y) -> (x, log|det dx/dy|)
    ```

    Both come from one evaluation of whatever is costly: a network, or a root. Asked for
    separately, as a `tfb.Bijector` usually is, the gradient would run through the network
    twice. TFP's cache keeps the log-determinant beside the value it belongs to.

    If `takes_context`, both take a context as a second argument, and all methods take it as the
    keyword `context`. Its shape is `[..., c]`, its leading dimensions are broadcast with those of
    the points; on images `[..., h, w, channels]` it is `[..., 1, 1, c]`.
    """

    takes_context = False

    _cache = cache_util.BijectorCacheWithGreedyAttrs(
        forward_name="_augmented_forward", inverse_name="_augmented_inverse"
    )

    def __init__(self, event_size, *, dtype, parameters, name):
        self._event_size = positive_int("event_size", event_size)
        super().__init__(
            forward_min_event_ndims=1, dtype=float_dtype(dtype), parameters=parameters, name=name
        )

    @property
    def event_size(self):
        """Number of dimensions d of one event."""
        return self._event_size

    @classmethod
    def _parameter_properties(cls, dtype):
        # No parameter has a batch shape of its own.
        return {}

    # Bijectors that TFP thinks equal share a cache. It compares what they were made with, but
    # what they do depends on their variables: `ActNorm(2)` is not another `ActNorm(2)`.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def forward_and_log_det(self, x, **context):
        """Returns y and log|det dy/dx|, from one evaluation."""
        return self._forward_and_log_det(*self._check(x, **context))

    def inverse_and_log_det(self, y, **context):
        """Returns x and log|det dx/dy|, from one evaluation."""
        return self._inverse_and_log_det(*self._check(y, **context))

    def _augmented_forward(self, x, **context):
        y, log_det = self.forward_and_log_det(x, **context)
        return y, {"ildj": -log_det}

    def _augmented_inverse(self, y, **context):
        x, log_det = self.inverse_and_log_det(y, **context)
        return x, {"ildj": log_det}

    # Called only where the value was not computed before.

    def _forward_log_det_jacobian(self, x, **context):
        return self.forward_and_log_det(x, **context)[1]

    def _inverse_log_det_jacobian(self, y, **context):
        return self.inverse_and_log_det(y, **context)[1]

    def _check(self, x, context=None):
        """Returns `x`, or `x` and the context, checked; `x` has the leading dimensions of both."""
        x = self._check_width(x)
        if context is None:
            if self.takes_context:
                raise ValueError(f"{self.name} depends on a context, and none was given.")
            return (x,)
        context = context_tensor(context, x.dtype)
        if not self.takes_context:
            raise ValueError(f"{self.name} takes no context, got one of shape {context.shape}.")
        return broadcast_batch(x, context), context

    def _check_width(self, x):
        """Returns `x`, its width checked: at once, or where the graph runs if unknown till then."""
        # Broadcasting would otherwise accept a width of 1 in silence.
        if x.shape.rank == 0 or x.shape[-1] not in (None, self._event_size):
            raise ValueError(
                f"{self.name} acts on events of size {self._event_size}, got shape {x.shape}."
            )
        if x.shape[-1] is None:
            return tf.ensure_shape(x, x.shape[:-1].concatenate(self._event_size))
        return x


def context_tensor(context, dtype):
    """Returns a context as a tensor `[..., c]` of `dtype`, or raises a ValueError."""
    try:
        # Integers are classes or counts: exact, and meant as numbers.
        tensor = tf.cast(context, dtype)
    except (TypeError, ValueError, tf.errors.UnimplementedError):
        name = tf.as_dtype(dtype).name
        raise ValueError(f"context must be {name} numbers, got {context!r}.") from None
    if tensor.shape.rank == 0:
        raise ValueError(f"context must have shape [..., c], got {context!r}.")
    return tensor


def broadcast_batch(x, context):
    """Returns `x` with the leading dimensions that it and `context` have together."""
    try:
        batch = tf.broadcast_static_shape(x.shape[:-1], context.shape[:-1])
    except ValueError:
        raise ValueError(
            f"Points and contexts must have leading dimensions that can be broadcast, got "
            f"{x.shape[:-1]} and {context.shape[:-1]}."
        ) from None
    if batch.is_fully_defined() and batch == x.shape[:-1]:
        return x
    batch = tf.broadcast_dynamic_shape(tf.shape(x)[:-1], tf.shape(context)[:-1])
    return tf.broadcast_to(x, tf.concat([batch, tf.shape(x)[-1:]], axis=0))


def by_coordinate(raw, size, name):
    """Returns what a conditioner has made, `[..., P size]`, as `[..., P, size]`.

    Raises:
      ValueError: It is no multiple of `size`, the number of coordinates; `name` says for whom.
    """
    if raw.shape[-1] % size:
        raise ValueError(
            f"The conditioner of {name} must return a multiple of {size} numbers, as many for "
            f"each coordinate that is transformed; got shape {raw.shape}."
        )
    shape = [raw.shape[-1] // size, size]
    return tf.reshape(raw, tf.concat([tf.shape(raw)[:-1], shape], axis=0))


def initial_value(name, value, shape, dtype):
    """Returns `value` as a finite constant of `shape`; a ValueError names what does not fit."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, got {value!r}.") from None
    if list(array.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {list(array.shape)}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array.tolist()}.")
    return tf.constant(array, dtype)


def split_raw(raw, sizes, dtype):
    """Returns the parts of these sizes of `raw`, parameters of the points in one tensor."""
    raw = tf.convert_to_tensor(raw, dtype)
    if raw.shape.rank == 0 or raw.shape[-1] != sum(sizes):
        raise ValueError(f"raw must have shape [..., {sum(sizes)}], got {raw.shape}.")
    return tf.split(raw, sizes, axis=-1)


def takes_context(conditioner):
    """Returns whether a conditioner wants a context as its second argument."""
    return getattr(conditioner, "context_size", 0) > 0


def check_tracked(conditioner):
    """Raises a ValueError if `conditioner` holds variables that a `tf.Module` cannot see."""
    # Also one that has none yet, as a model that is built by its first call.
    if hasattr(conditioner, "trainable_variables") and not isinstance(conditioner, tf.Module):
        raise ValueError(
            f"The conditioner is a {type(conditioner).__module__}."
            f"{type(conditioner).__name__}, which is no tf.Module: its variables would be "
            f"missing from trainable_variables and from checkpoints. Use networks.MLP or "
            f"a tf_keras model."
        )
