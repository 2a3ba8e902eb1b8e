"""Putting layers together, and taking a flow apart again."""

import itertools

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.bijectors import ActNorm, _chain
from normflows_tut.flows.conditional import ConditionalFlow, normal_given

tfb = tfp.bijectors
tfd = tfp.distributions


def compose(
    layers_base_to_data, event_size, dtype, name, *, trained_base=False, context_size=0, **network
):
    """Returns the flow of these layers, its standardising step folded into the last.

    With `trained_base` the base gets a mean and deviations that are trained: a scale and a shift,
    folded into the first layer, before which the base is the standard normal as ever. With a
    context they are what a network, of the options `network`, makes of it, and a
    `ConditionalFlow` is returned.
    """
    first, *others = layers_base_to_data or [tfb.Identity()]
    if context_size:
        scale_and_shift = normal_given(event_size, context_size, dtype=dtype, **network)
        first = tfb.Chain([first, scale_and_shift], name=first.name)
    elif trained_base:
        scale_and_shift = ActNorm(event_size, dtype=dtype, name="trained_base")
        scale_and_shift.initialized.assign(True)  # as the identity, whatever the data
        first = tfb.Chain([first, scale_and_shift], name=first.name)
    layers_base_to_data = [first, *others]
    *inner, last = layers_base_to_data
    standardise = ActNorm(event_size, trainable=False, dtype=dtype, name="standardise")
    chain = [*inner, tfb.Chain([standardise, last], name=last.name)]
    base = tfd.MultivariateNormalDiag(
        loc=tf.zeros([event_size], dtype), scale_diag=tf.ones([event_size], dtype)
    )
    flow = tfd.TransformedDistribution(base, tfb.Chain(chain[::-1]), name=name)
    return ConditionalFlow(flow, context_size) if context_size else flow


def with_act_norm(layer):
    """Returns `layer` with an `ActNorm` on its data side."""
    norm = ActNorm(layer.event_size, dtype=layer.dtype, name=f"{layer.name}_act_norm")
    return tfb.Chain([norm, layer], name=layer.name)


def append(flow, *bijectors):
    """Returns `flow` with more bijectors on its data side, folded into its last layer.

    Args:
      flow: A `tfd.TransformedDistribution`, or a `ConditionalFlow`; its variables are shared.
      *bijectors: From base to data, such as `pixel_range()`.

    Raises:
      ValueError: `flow` has no bijector.

    Example:
      >>> append(planar(2, 4), tfb.Exp()).event_shape
      TensorShape([2])
    """
    if isinstance(flow, ConditionalFlow):
        return ConditionalFlow(
            append(flow.template, *bijectors), flow.context_size, flow.standardise_context
        )
    if not hasattr(flow, "bijector"):
        raise ValueError(f"a tfd.TransformedDistribution is needed, got {flow!r}.")
    last, *others = _chain.links(flow.bijector)
    last = tfb.Chain([*bijectors[::-1], *_chain.links(last)], name=last.name)
    return tfd.TransformedDistribution(
        flow.distribution, tfb.Chain([last, *others]), name=flow.name
    )


def layers(flow):
    """Returns the bijectors of `flow`, from base to data.

    There are `num_layers` of them for a flow of this module: a helper, such as the
    standardising step, belongs to its neighbour. Any other `tfd.TransformedDistribution`
    gives the links of its `tfb.Chain`, or its one bijector.

    Raises:
      ValueError: `flow` has no bijector, or is a `ConditionalFlow`: give `flow(context)`.
    """
    if isinstance(flow, ConditionalFlow):
        raise ValueError(
            f"{flow.name} is a ConditionalFlow, with layers for every context: give flow(context), "
            f"where context holds {flow.context_size} numbers."
        )
    if not hasattr(flow, "bijector"):
        raise ValueError(f"a tfd.TransformedDistribution is needed, got {flow!r}.")
    return _chain.links(flow.bijector)[::-1]


def prefixes(flow):
    """Returns `num_layers + 1` flows: the base through the first k layers, for every k.

    Each ends in what stands on the data side of the whole and is not trained, such as the
    standardising step, so that all are in the units of the data: the last is `flow`'s equal.
    They share the variables of `flow`.

    Raises:
      ValueError: As `layers`.
    """
    stack = layers(flow)
    *data_side, _ = _chain.links(stack[-1])
    fixed = list(itertools.takewhile(lambda link: not link.trainable_variables, data_side))
    partial = [tfb.Chain([*fixed, *stack[:k][::-1]]) for k in range(len(stack))]
    return [
        *(tfd.TransformedDistribution(flow.distribution, bijector) for bijector in partial),
        flow,
    ]
