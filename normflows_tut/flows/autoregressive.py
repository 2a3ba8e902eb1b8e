"""Flows of autoregressive layers: MAF, IAF and neural autoregressive flows."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int, random_generator
from normflows_tut.bijectors import MaskedAutoregressive
from normflows_tut.flows.composition import compose, with_act_norm
from normflows_tut.flows.transforms import affine, deep_sigmoid, spline
from normflows_tut.networks import MADE

tfb = tfp.bijectors

_ORDERS = ("alternate", "random", "same")


def masked_autoregressive(
    event_size,
    num_layers=5,
    hidden_units=(64, 64),
    *,
    transform="affine",
    log_scale_bound=3.0,
    num_bins=8,
    trained_base=None,
    bound=5.0,
    min_bin_size=1e-3,
    min_slope=1e-3,
    order="alternate",
    inverse=False,
    context_size=0,
    activation="relu",
    act_norm=False,
    seed=0,
    dtype=tf.float32,
    name="masked_autoregressive",
):
    """A masked autoregressive flow, MAF: densities in one pass, samples in d steps.

    Every layer transforms each coordinate given those before it, by a MADE. It starts as the
    identity.

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of layers, at least 1.
      hidden_units: Sizes of the hidden layers of each MADE.
      transform: What is done to a coordinate: `"affine"`, or `"spline"`.
      log_scale_bound: The largest log-scale of an affine transform. An error in a shift can grow by
        its exp in every layer: where single rows lie far out, try 1 or 0.5.
      num_bins: Number of bins of a spline.
      trained_base: Whether the base has a trained mean and deviation in each dimension; None if
        and only if the layers are splines, which do nothing to what lies outside their range.
      bound: The splines act on [-bound, bound].
      min_bin_size: The smallest width and height of a bin, as a fraction of the range.
      min_slope: The smallest slope at a knot.
      order: How the coordinates are ordered in the layers: `"alternate"` (as they are, then
        reversed, and so on), `"random"` (by the seed, for each layer its own), or `"same"`
        (as they are in all of them).
      inverse: Whether every layer is inverted, which makes an inverse autoregressive flow.
      context_size: Number of numbers in the context that all depends on, the mean and deviation
        of the base included; 0 for none.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every layer on its data side.
      seed: Non-negative int; decides the initial weights, and random orders.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the flow.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: A count is below 1, a limit is out of its range, or `transform`, `order` or
        the activation is unknown.

    Reference:
      Papamakarios, Pavlakou & Murray (2017), Masked Autoregressive Flow for Density
      Estimation.
    """
    if trained_base is None:
        trained_base = transform == "spline"
    if transform == "affine":
        count, transform = affine(log_scale_bound)
    elif transform == "spline":
        count, transform = spline(
            num_bins, bound=bound, min_bin_size=min_bin_size, min_slope=min_slope
        )
    else:
        raise ValueError(f"Unknown transform {transform!r}; known: affine, spline.")
    network = {"hidden_units": hidden_units, "context_size": context_size, "activation": activation}
    stack = _layers(count, transform, event_size, num_layers, order, network, seed, dtype)
    if inverse:
        stack = [tfb.Invert(layer, name=f"inverse_{layer.name}") for layer in stack]
    if act_norm:
        stack = [with_act_norm(layer) for layer in stack]
    return compose(
        stack,
        event_size,
        dtype,
        name,
        trained_base=trained_base,
        seed=[seed, num_layers],
        **network,
    )


def inverse_autoregressive(event_size, num_layers=5, hidden_units=(64, 64), **options):
    """An inverse autoregressive flow, IAF: samples in one pass, densities in d steps.

    It is `masked_autoregressive` with `inverse=True`.

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of layers, at least 1.
      hidden_units: Sizes of the hidden layers of each MADE.
      **options: The other keyword arguments of `masked_autoregressive`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: As of `masked_autoregressive`.

    Reference:
      Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling (2016), Improved Variational
      Inference with Inverse Autoregressive Flow.
    """
    options = {"name": "inverse_autoregressive", **options}
    return masked_autoregressive(event_size, num_layers, hidden_units, inverse=True, **options)


def neural_autoregressive(
    event_size,
    num_layers=2,
    hidden_units=(64, 64),
    *,
    num_sigmoids=16,
    order="alternate",
    context_size=0,
    activation="relu",
    act_norm=False,
    seed=0,
    dtype=tf.float32,
):
    """A neural autoregressive flow: mixtures of sigmoids in place of affine transforms.

    Densities are in closed form; sampling solves an equation for every coordinate.

    Args:
      event_size: Number of dimensions d, at least 1.
      num_layers: Number of layers, at least 1.
      hidden_units: Sizes of the hidden layers of each MADE.
      num_sigmoids: Number of sigmoids in every transform.
      order: As in `masked_autoregressive`.
      context_size: As there.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every layer on its data side.
      seed: Non-negative int; decides the initial weights, and random orders.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: A count is below 1, or `order` or the activation is unknown.

    Reference:
      Huang, Krueger, Lacoste & Courville (2018), Neural Autoregressive Flows.
    """
    count, transform = deep_sigmoid(num_sigmoids)
    network = {"hidden_units": hidden_units, "context_size": context_size, "activation": activation}
    stack = _layers(count, transform, event_size, num_layers, order, network, seed, dtype)
    if act_norm:
        stack = [with_act_norm(layer) for layer in stack]
    return compose(
        stack, event_size, dtype, "neural_autoregressive", seed=[seed, num_layers], **network
    )


def _layers(count, transform, event_size, num_layers, order, network, seed, dtype):
    """Returns autoregressive layers, base to data, of `count` parameters a coordinate."""
    if order not in _ORDERS:
        raise ValueError(f"Unknown order {order!r}; known: {', '.join(_ORDERS)}.")
    straight = np.arange(positive_int("event_size", event_size))
    stack = []
    for k in range(positive_int("num_layers", num_layers)):
        if order == "random":
            coordinates = random_generator([seed, k]).permutation(event_size)
        else:
            coordinates = straight[::-1] if order == "alternate" and k % 2 else straight
        made = MADE(
            event_size,
            count,
            order=coordinates,
            **network,
            seed=[seed, k],
            dtype=dtype,
            name=f"made_{k}",
        )
        layer = MaskedAutoregressive(
            event_size, made, transform, dtype=dtype, name=f"masked_autoregressive_{k}"
        )
        stack.append(layer)
    return stack
