"""What the elementwise transforms share whose parameters may differ from point to point."""

import tensorflow as tf

from normflows_tut.bijectors._vector import VectorBijector


class ElementwiseBijector(VectorBijector):
    """Acts on each coordinate by itself, with P parameters for each.

    A subclass gives `_forward_columns(x, raw)` and `_inverse_columns(y, raw)`, each a value and
    the log of its slope, where `x` is `[d, n]` and `raw` `[P, d, n]` or `[P, d, 1]`. With the
    points last, a sum over parameters runs over whole vectors of points: on a CPU that is
    three times as fast as with the parameters last.

    Args:
      raw: Unconstrained parameters, a tensor or variable `[..., P, d]`; its leading dimensions
        are those of the points, or none.
    """

    def __init__(self, raw, *, parameters, name):
        if not isinstance(raw, tf.Variable):
            raw = tf.convert_to_tensor(raw)
        if raw.shape.rank is None or raw.shape.rank < 2:
            raise ValueError(f"raw must have shape [..., parameters, d], got {raw.shape}.")
        self.raw = raw
        super().__init__(raw.shape[-1], dtype=raw.dtype, parameters=parameters, name=name)

    def _forward_and_log_det(self, x):
        return self._on_columns(self._forward_columns, x)

    def _inverse_and_log_det(self, y):
        return self._on_columns(self._inverse_columns, y)

    def _on_columns(self, function, points):
        raw, d = tf.convert_to_tensor(self.raw), self.event_size
        count = raw.shape[-2]
        if raw.shape.rank == 2:
            raw = raw[:, :, tf.newaxis]
        else:
            batch = tf.broadcast_dynamic_shape(tf.shape(points)[:-1], tf.shape(raw)[:-2])
            points = tf.broadcast_to(points, tf.concat([batch, [d]], axis=0))
            raw = tf.broadcast_to(raw, tf.concat([batch, [count, d]], axis=0))
            # As a matrix, whose transpose XLA makes a fifth of a step faster than a cube's.
            raw = tf.transpose(tf.reshape(raw, [-1, count * d]))
            raw = tf.reshape(raw, [count, d, -1])
        value, log_slope = function(tf.transpose(tf.reshape(points, [-1, d])), raw)
        shape = tf.shape(points)
        value = tf.reshape(tf.transpose(value), shape)
        return value, tf.reshape(tf.reduce_sum(log_slope, axis=0), shape[:-1])
