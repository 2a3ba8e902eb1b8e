"""What the ways to train are given, checked before anything changes."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import data_array, event_array
from normflows_tut.bijectors.act_norm import waiting_act_norms
from normflows_tut.flows import ConditionalFlow

tfd = tfp.distributions

_NUM_DRAWS = 10_000  # where a distribution stands in for an array


def array_of(flow, data, name, seed=None):
    """Returns data, or draws from a distribution with the stateless `seed`, checked."""
    if isinstance(data, tfd.Distribution):
        check_event_shape(flow, data, name)
        data = tf.cast(data.sample(_NUM_DRAWS, seed=tf.constant(seed)), flow.dtype)
    dtype = flow.dtype.as_numpy_dtype
    return event_array(data, flow.event_shape, dtype=dtype, name=name)


def context_of(flow, context, size, name):
    """Returns the contexts of `size` points, checked; None where the flow wants none.

    Raises:
      ValueError: A context is missing, superfluous, or of another shape.
    """
    conditional = isinstance(flow, ConditionalFlow)
    if conditional and context is None:
        raise ValueError(
            f"The flow depends on a context of {flow.context_size} numbers: give {name}, an array "
            f"[{size}, {flow.context_size}]."
        )
    if context is None:
        return None
    if not conditional:
        raise ValueError(
            f"The flow takes no context, got {name} of shape {list(np.shape(context))}. Build it "
            f"with a context_size for one that does."
        )
    dtype = flow.dtype.as_numpy_dtype
    context = data_array(context, flow.context_size, dtype=dtype, name=name)
    if len(context) != size:
        raise ValueError(f"{name} must have a row for each of {size} points, got {len(context)}.")
    return context


def check_flow(flow):
    """Raises a ValueError unless `flow` is a flow, on events that can be trained on."""
    if tf.inside_function():  # the compiled steps would be lost with the graph they are made in
        raise ValueError("Training cannot run inside a tf.function: call it from plain Python.")
    if not isinstance(flow, tfd.Distribution | ConditionalFlow):
        raise ValueError(f"flow must be a tfd.Distribution or a ConditionalFlow, got {flow!r}.")
    batch_shape = getattr(flow, "batch_shape", tf.TensorShape([]))
    if flow.event_shape.rank not in (1, 3) or batch_shape.rank != 0:
        raise ValueError(
            f"flow must be on events [d] or [height, width, channels] and have no batch shape, "
            f"got event_shape {flow.event_shape} and batch_shape {batch_shape}."
        )


def check_event_shape(flow, distribution, name):
    """Raises a ValueError unless `distribution` is one on the events of `flow`."""
    if distribution.event_shape != flow.event_shape or distribution.batch_shape.rank != 0:
        raise ValueError(
            f"{name} must have event_shape {flow.event_shape} and no batch shape, "
            f"got {distribution}."
        )


def waiting(flow):
    """Returns the `ActNorm`s of `flow` that no run has initialized."""
    if isinstance(flow, ConditionalFlow):
        return waiting_act_norms(flow.template.bijector) + waiting_act_norms(
            flow.standardise_context
        )
    return waiting_act_norms(flow.bijector) if hasattr(flow, "bijector") else []
