"""Flows of coupling layers: RealNVP and neural spline flows."""

import functools

import tensorflow as tf

from normflows_tut._checks import positive_int
from normflows_tut.bijectors import AffineCoupling, Coupling
from normflows_tut.flows.autoregressive import masked_autoregressive
from normflows_tut.flows.composition import compose, with_act_norm
from normflows_tut.flows.transforms import spline
from normflows_tut.networks import MLP


def real_nvp(
    event_size,
    num_layers=8,
    hidden_units=(64, 64),
    *,
    context_size=0,
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
      context_size: Number of numbers in the context that all depends on, the mean and deviation
        of the base included; 0 for none.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every coupling on its data side.
      log_scale_bound: The largest log-scale of a coupling. An error in a shift can grow by
        its exp in every layer: where single rows lie far out, try 1 or 0.5.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: A count is below 1, `event_size` is below 2, or the activation is unknown.
    """
    layer = functools.partial(AffineCoupling, log_scale_bound=log_scale_bound)
    network = {"hidden_units": hidden_units, "context_size": context_size, "activation": activation}
    couplings = _alternating(
        "real_nvp",
        layer,
        2,
        event_size,
        num_layers,
        network,
        act_norm=act_norm,
        seed=seed,
        dtype=dtype,
    )
    return compose(couplings, event_size, dtype, "real_nvp", seed=[seed, num_layers], **network)


def neural_spline(
    event_size,
    num_layers=4,
    num_bins=8,
    hidden_units=(64, 64),
    *,
    autoregressive=False,
    context_size=0,
    trained_base=True,
    bound=5.0,
    min_bin_size=1e-3,
    min_slope=1e-3,
    activation="relu",
    act_norm=False,
    seed=0,
    dtype=tf.float32,
):
    """A neural spline flow: couplings, or autoregressive layers, of rational-quadratic splines.

    The splines lead from data to base: a density takes their formula, a sample the root of a
    quadratic. The flow starts as the identity. Data are standardised by the first
    `training.fit`, so a `bound` of 5 is five standard deviations; what lies farther out passes
    unchanged, and has the tail of the base, whose mean and deviations are trained with the rest.

    Args:
      event_size: Number of dimensions d; at least 2, or 1 if autoregressive.
      num_layers: Number of layers, at least 1.
      num_bins: Number of bins K of every spline, at least 1.
      hidden_units: Sizes of the hidden layers of each layer's network.
      autoregressive: Whether every coordinate is transformed given all before it, in orders
        that alternate, rather than one half given the other.
      context_size: As in `real_nvp`.
      trained_base: Whether the normal base has a trained mean and deviation in each dimension,
        rather than 0 and 1.
      bound: The splines act on [-bound, bound].
      min_bin_size: The smallest width and height of a bin, as a fraction of the range.
      min_slope: The smallest slope at a knot.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every layer on its data side.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events of shape `[d]`; a `ConditionalFlow` of such if
      there is a context.

    Raises:
      ValueError: A count is below 1, `event_size` is too small, a limit of the splines is out
        of its range, or the activation is unknown.

    Reference:
      Durkan, Bekasov, Murray & Papamakarios (2019), Neural Spline Flows. Theirs has an
      invertible linear layer before each of these, and in the coupling also splines for the
      part that passes; this one has neither.
    """
    limits = {"bound": bound, "min_bin_size": min_bin_size, "min_slope": min_slope}
    if autoregressive:
        return masked_autoregressive(
            event_size,
            num_layers,
            hidden_units,
            transform="spline",
            num_bins=num_bins,
            context_size=context_size,
            trained_base=trained_base,
            **limits,
            activation=activation,
            act_norm=act_norm,
            seed=seed,
            dtype=dtype,
            name="neural_spline",
        )
    count, transform = spline(num_bins, **limits)
    layer = functools.partial(Coupling, transform=transform)
    network = {"hidden_units": hidden_units, "context_size": context_size, "activation": activation}
    couplings = _alternating(
        "neural_spline",
        layer,
        count,
        event_size,
        num_layers,
        network,
        act_norm=act_norm,
        seed=seed,
        dtype=dtype,
    )
    return compose(
        couplings,
        event_size,
        dtype,
        "neural_spline",
        trained_base=trained_base,
        seed=[seed, num_layers],
        **network,
    )


def _alternating(
    name, layer, num_parameters, event_size, num_layers, network, *, act_norm, seed, dtype
):
    """Returns couplings that transform the second half, the first, the second ..."""
    if positive_int("event_size", event_size) < 2:
        raise ValueError(
            f"{name} couples one half of the coordinates to the other and needs an event_size of "
            f"at least 2, got {event_size}."
        )
    first = event_size // 2
    couplings = []
    for k in range(positive_int("num_layers", num_layers)):
        flip = k % 2 == 1
        passed = event_size - first if flip else first
        conditioner = MLP(
            passed,
            num_parameters * (event_size - passed),
            **network,
            seed=[seed, k],
            dtype=dtype,
            name=f"conditioner_{k}",
        )
        coupling = layer(event_size, conditioner, flip=flip, dtype=dtype, name=f"coupling_{k}")
        couplings.append(with_act_norm(coupling) if act_norm else coupling)
    return couplings
