"""What every bijector on vectors shares: a known event size, checked on every call."""

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int

tfb = tfp.bijectors


class VectorBijector(tfb.Bijector):
    """A bijector on events of shape `[event_size]`."""

    def __init__(self, event_size, *, dtype, parameters, name):
        self._event_size = positive_int("event_size", event_size)
        super().__init__(
            forward_min_event_ndims=1, dtype=tf.as_dtype(dtype), parameters=parameters, name=name
        )

    @property
    def event_size(self):
        """Number of dimensions d of one event."""
        return self._event_size

    @classmethod
    def _parameter_properties(cls, dtype):
        # No parameter has a batch shape of its own.
        return {}

    def _check_width(self, x):
        # Broadcasting would otherwise accept a width of 1 in silence.
        width = x.shape[-1]
        if width is not None and width != self._event_size:
            raise ValueError(
                f"{self.name} acts on events of size {self._event_size}, got shape {x.shape}."
            )


def initial_vector(name, value, size, dtype):
    """Returns `value` as a constant of shape [size]; a ValueError names what does not fit."""
    vector = tf.convert_to_tensor(value, dtype=dtype)
    if vector.shape != (size,):
        raise ValueError(f"{name} must have shape [{size}], got {list(vector.shape)}.")
    return vector
