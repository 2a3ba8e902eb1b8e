"""Flows, composed: each function returns a `tfd.TransformedDistribution`.

The base is a standard normal distribution. Every flow ends, on the data side, in a
standardising step, which the first `training.fit` sets from the data; see
`bijectors.ActNorm`.
"""

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import _archive
from normflows_tut._checks import positive_int
from normflows_tut.bijectors import ActNorm, AffineCoupling, Planar, Radial, _chain
from normflows_tut.networks import MLP

tfb = tfp.bijectors
tfd = tfp.distributions


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


def real_nvp(
    event_size,
    num_layers=8,
    hidden_units=(64, 64),
    *,
    activation="relu",
    act_norm=False,
    log_scale_bound=3.0,
    seed=0,
    dtype=tf.float32,
):
    """RealNVP: affine couplings that take turns (Dinh et al. 2017).

    Layer 1, 3, ... transforms the second half of the coordinates given the first, layer
    2, 4, ... the first half given the second. It starts as the identity.

    Args:
      event_size: Number of dimensions d, at least 2.
      num_layers: Number of couplings, at least 1.
      hidden_units: Sizes of the hidden layers of each coupling's network.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every coupling on its data side.
      log_scale_bound: The largest log-scale of a coupling.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`.

    Raises:
      ValueError: A count is below 1, `event_size` is below 2, or the activation is unknown.
    """
    if positive_int("event_size", event_size) < 2:
        raise ValueError(f"real_nvp needs an event_size of at least 2, got {event_size}.")
    first = event_size // 2
    couplings = []
    for k in range(positive_int("num_layers", num_layers)):
        flip = k % 2 == 1
        passed = event_size - first if flip else first
        network = MLP(
            passed,
            2 * (event_size - passed),
            hidden_units,
            activation=activation,
            seed=[seed, k],
            dtype=dtype,
            name=f"conditioner_{k}",
        )
        coupling = AffineCoupling(
            event_size,
            network,
            flip=flip,
            log_scale_bound=log_scale_bound,
            dtype=dtype,
            name=f"affine_coupling_{k}",
        )
        if act_norm:
            coupling = tfb.Chain([ActNorm(event_size, dtype=dtype), coupling])
        couplings.append(coupling)
    return _compose(couplings, event_size, dtype, "real_nvp")


def _stack(layer, name, event_size, num_layers, seed, dtype):
    """Returns the flow of `num_layers` layers of one class, each with a seed of its own."""
    stack = [
        layer(event_size, seed=[seed, k], dtype=dtype, name=f"{name}_{k}")
        for k in range(positive_int("num_layers", num_layers))
    ]
    return _compose(stack, event_size, dtype, f"{name}_flow")


def _compose(layers_base_to_data, event_size, dtype, name):
    """Returns the flow of these layers, its standardising step folded into the last."""
    *inner, last = layers_base_to_data
    standardise = ActNorm(event_size, trainable=False, dtype=dtype, name="standardise")
    chain = [*inner, tfb.Chain([standardise, last], name=last.name)]
    base = tfd.MultivariateNormalDiag(
        loc=tf.zeros([event_size], dtype), scale_diag=tf.ones([event_size], dtype)
    )
    return tfd.TransformedDistribution(base, tfb.Chain(chain[::-1]), name=name)


def layers(flow):
    """Returns the bijectors of `flow`, from base to data.

    There are `num_layers` of them for a flow of this module: a helper, such as the
    standardising step, belongs to its neighbour. Any other `tfd.TransformedDistribution`
    gives the links of its `tfb.Chain`, or its one bijector.
    """
    return _chain.links(flow.bijector)[::-1]


def prefixes(flow):
    """Returns `num_layers + 1` flows: the base through the first k layers, for every k.

    Each ends in the standardising step of the whole, so that all are in the units of the
    data: the first is a normal distribution, the last is `flow`'s equal. They share the
    variables of `flow`.
    """
    stack = layers(flow)
    data_side = _chain.links(stack[-1])[0]
    is_standardising = isinstance(data_side, ActNorm) and not data_side.trainable_variables
    standardise = [data_side] if is_standardising else []
    partial = [tfb.Chain([*standardise, *stack[:k][::-1]]) for k in range(len(stack))]
    return [
        *(tfd.TransformedDistribution(flow.distribution, bijector) for bijector in partial),
        flow,
    ]


def save(flow, path):
    """Writes all variables of `flow` to `path`, an .npz file, atomically.

    The file holds numbers, not code: to load it, build the flow by the same call.
    """
    variables = _archive.named(flow.variables)
    _archive.write(path, "flow", {name: v.numpy() for name, v in variables.items()})


def load(flow, path):
    """Sets all variables of `flow` from a file that `save` wrote, and returns `flow`.

    Raises:
      ValueError: The file is damaged, is no such file, or is of another architecture. No
        variable has been touched then.
    """
    arrays, _ = _archive.read(path, "flow")
    variables = _archive.named(flow.variables)
    _archive.check_variables(path, arrays, variables)
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return flow
