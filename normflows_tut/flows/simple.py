"""Flows of many small layers of one kind, and the one that is a normal distribution."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import non_negative_int, positive_int
from normflows_tut.bijectors import Planar, Radial
from normflows_tut.flows.composition import compose
from normflows_tut.flows.conditional import layer_given


def planar(
    event_size,
    num_layers=8,
    *,
    context_size=0,
    hidden_units=(64,),
    activation="relu",
    seed=0,
    dtype=tf.float32,
):
    """A stack of planar layers (Rezende & Mohamed 2015, equations 7 and 10).

    Sampling is in closed form; a density costs one scalar root for each layer and point.

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of planar layers, at least 1.
      context_size: Number of numbers in the context that all depends on, the mean and deviation
        of the base included; 0 for none.
      hidden_units: Sizes of the hidden layers of the networks, one for each layer, that make its
        parameters of the context; `()` for linear ones.
      activation: Their activation.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: A count is below 1, or the activation is unknown.
    """
    network = {"hidden_units": hidden_units, "activation": activation}
    return _stack("planar", event_size, num_layers, context_size, network, seed, dtype)


def radial(
    event_size,
    num_layers=8,
    *,
    context_size=0,
    hidden_units=(64,),
    activation="relu",
    seed=0,
    dtype=tf.float32,
):
    """A stack of radial layers (Rezende & Mohamed 2015, equations 7 and 14).

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of radial layers, at least 1.
      context_size: Number of numbers in the context that all depends on, the mean and deviation
        of the base included; 0 for none.
      hidden_units: Sizes of the hidden layers of the networks, one for each layer, that make its
        parameters of the context; `()` for linear ones.
      activation: Their activation.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: A count is below 1, or the activation is unknown.
    """
    network = {"hidden_units": hidden_units, "activation": activation}
    return _stack("radial", event_size, num_layers, context_size, network, seed, dtype)


def conditional_normal(
    event_size,
    context_size,
    hidden_units=(64, 64),
    *,
    activation="relu",
    seed=0,
    dtype=tf.float32,
):
    """The normal distribution whose mean and deviations a network makes of the context.

    Its covariance is diagonal: the posterior of the plain variational autoencoder, and what a
    flow with a context starts from.

    Args:
      event_size: Number of dimensions d, at least 1.
      context_size: Number of numbers in a context, at least 1.
      hidden_units: Sizes of the hidden layers of the network.
      activation: Its activation.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `ConditionalFlow` on events of shape `[d]`, of one layer.

    Raises:
      ValueError: A size is below 1, or the activation is unknown.

    Reference:
      Kingma & Welling (2014), Auto-Encoding Variational Bayes, appendix C.2.
    """
    network = {"hidden_units": hidden_units, "activation": activation}
    positive_int("context_size", context_size)
    return compose([], event_size, dtype, "normal", context_size=context_size, seed=seed, **network)


def _stack(kind, event_size, num_layers, context_size, network, seed, dtype):
    """Returns the flow of `num_layers` layers of one class, each with a seed of its own."""
    make, numbers_of = _KINDS[kind]
    context_size = non_negative_int("context_size", context_size)
    stack = []
    for k in range(positive_int("num_layers", num_layers)):
        layer = make(event_size, seed=[seed, k], dtype=dtype, name=f"{kind}_{k}")
        if context_size:
            layer = layer_given(
                lambda raw: make(event_size, raw=raw, dtype=dtype),
                numbers_of(layer),
                event_size,
                context_size,
                **network,
                seed=[seed, k],
                dtype=dtype,
                name=layer.name,
            )
        stack.append(layer)
    return compose(
        stack,
        event_size,
        dtype,
        f"{kind}_flow",
        context_size=context_size,
        seed=[seed, num_layers],
        **network,
    )


# class, and its numbers in one vector, as its argument `raw` has them
_KINDS = {
    "planar": (Planar, lambda p: np.concatenate([p.u, p.w, [p.b]])),
    "radial": (Radial, lambda r: np.concatenate([r.center, [r.raw_alpha, r.beta]])),
}
