"""Planar and radial flows: many small layers of one kind."""

import tensorflow as tf

from normflows_tut._checks import positive_int
from normflows_tut.bijectors import Planar, Radial
from normflows_tut.flows.composition import compose


def planar(event_size, num_layers=8, *, seed=0, dtype=tf.float32):
    """A stack of planar layers (Rezende & Mohamed 2015, equations 7 and 10).

    Sampling is in closed form; a density costs one scalar root for each layer and point.

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of planar layers, at least 1.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`.

    Raises:
      ValueError: A count is below 1.
    """
    return _stack(Planar, "planar", event_size, num_layers, seed, dtype)


def radial(event_size, num_layers=8, *, seed=0, dtype=tf.float32):
    """A stack of radial layers (Rezende & Mohamed 2015, equations 7 and 14).

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of radial layers, at least 1.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`.

    Raises:
      ValueError: A count is below 1.
    """
    return _stack(Radial, "radial", event_size, num_layers, seed, dtype)


def _stack(layer, name, event_size, num_layers, seed, dtype):
    """Returns the flow of `num_layers` layers of one class, each with a seed of its own."""
    stack = [
        layer(event_size, seed=[seed, k], dtype=dtype, name=f"{name}_{k}")
        for k in range(positive_int("num_layers", num_layers))
    ]
    return compose(stack, event_size, dtype, f"{name}_flow")
