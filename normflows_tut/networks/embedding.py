"""A table in place of a network, for inputs that are whole numbers."""

import tensorflow as tf

from normflows_tut._checks import float_dtype, positive_int


class Embedding(tf.Module):
    """Looks up what belongs to whole numbers: P trained numbers for each value.

    What lies below 0 or above n - 1 has the numbers of the nearest value.

    Args:
      num_values: Number of values n: the inputs are 0, 1, ..., n - 1.
      num_outputs: Number of outputs P for each input, at least 1.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A count is below 1. On use: what is given are no numbers, or a single one.

    Example:
      >>> Embedding(256, 5)([[3.0, 255.0]]).shape
      TensorShape([1, 10])
    """

    def __init__(self, num_values, num_outputs, *, dtype=tf.float32, name="embedding"):
        super().__init__(name=name)
        shape = [positive_int("num_values", num_values), positive_int("num_outputs", num_outputs)]
        self.table = tf.Variable(tf.zeros(shape, float_dtype(dtype)), name="table")

    def __call__(self, x):
        """Maps `[..., c]` to `[..., P c]`: all first outputs, then all second ones, and so on."""
        row = tf.clip_by_value(self._whole(x), 0, self.table.shape[0] - 1)
        found = tf.gather(self.table, row)  # (..., c, P)
        rank = found.shape.rank
        found = tf.transpose(found, [*range(rank - 2), rank - 1, rank - 2])
        shape = tf.concat([tf.shape(found)[:-2], [found.shape[-1] * found.shape[-2]]], axis=0)
        return tf.reshape(found, shape)

    def _whole(self, x):
        """Returns `x` rounded down, int32."""
        try:
            found = tf.convert_to_tensor(x)
        except (TypeError, ValueError):
            found = None
        if found is None or not (found.dtype.is_floating or found.dtype.is_integer):
            raise ValueError(f"{self.name} takes an array of whole numbers, got {x!r}.")
        if found.shape.rank == 0:
            raise ValueError(f"{self.name} takes an array of at least 1 axis, got shape ().")
        return tf.cast(tf.floor(found) if found.dtype.is_floating else found, tf.int32)
