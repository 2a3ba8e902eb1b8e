"""Flows that depend on a context."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int
from normflows_tut.bijectors import ActNorm, BoundedAffine, Conditional, given
from normflows_tut.bijectors._vector import context_tensor
from normflows_tut.bijectors.conditional import depends_on_context
from normflows_tut.networks import MLP

tfd = tfp.distributions

LOG_SCALE_BOUND = 6.0  # a posterior may be four hundred times narrower than the data


class ConditionalFlow(tf.Module):
    """A flow for every context: calling it with contexts returns an ordinary flow.

    ```none
    conditional(context)                    a tfd.TransformedDistribution
    conditional(context).log_prob(x)        log q(x | context),  x [..., *event_shape] -> [...]
    conditional(context).sample(n)          [n, *batch, *event_shape]
    ```

    The batch shape is that of the contexts, `[..., c]` without its last axis, so that each of n
    contexts has a density and samples of its own. The variables are shared by all.

    What the networks see is the context standardised: its mean and deviation are set by the first
    `training.fit` from the contexts it is given, as the flow's own standardising step from the
    data. Until then the context passes as it is.

    Functions such as `flows.real_nvp` build it when they are given a `context_size`.

    Args:
      template: A `tfd.TransformedDistribution` on a standard normal base whose layers wait for a
        context; see `bijectors.given`.
      context_size: Number of numbers c in a context, at least 1.
      standardise_context: The standardising step of another `ConditionalFlow`, to share it.

    Raises:
      ValueError: `context_size` is below 1, the template is no flow, or none of its layers takes a
        context.

    Example:
      >>> posterior = planar(2, num_layers=3, context_size=1)
      >>> posterior([[0.0], [1.0], [2.0]]).log_prob(tf.zeros([3, 2])).shape
      TensorShape([3])
    """

    def __init__(self, template, context_size, standardise_context=None):
        if not (isinstance(template, tfd.Distribution) and hasattr(template, "bijector")):
            raise ValueError(f"template must be a tfd.TransformedDistribution, got {template!r}.")
        if not depends_on_context(template.bijector):
            raise ValueError(
                f"No layer of {template.name} takes a context: all contexts would have the same "
                "density. The functions of normflows_tut.flows build one that does when they are "
                "given a context_size."
            )
        super().__init__(name=template.name)
        self.template = template
        self.context_size = positive_int("context_size", context_size)
        if standardise_context is None:
            standardise_context = ActNorm(
                self.context_size, trainable=False, dtype=self.dtype, name="standardise_context"
            )
        self.standardise_context = standardise_context

    def __getattr__(self, name):
        """Reached only by names that are not here; those of a flow need a context first."""
        hint = f"{type(self).__name__} has no attribute {name!r}."
        if not name.startswith("_") and hasattr(tfd.TransformedDistribution, name):
            hint += f" Give it a context of {self.context_size} numbers: flow(context).{name}"
        raise AttributeError(hint)

    @property
    def event_shape(self):
        """Shape of one point."""
        return self.template.event_shape

    @property
    def dtype(self):
        """`tf.float32` or `tf.float64`."""
        return self.template.dtype

    def __call__(self, context):
        """Returns the flow at contexts `[..., c]`, whose batch shape is theirs.

        Raises:
          ValueError: The context has another width; or, outside of a graph, is not finite.
        """
        context = self._checked(context)
        batch = context.shape[:-1]
        if not batch.is_fully_defined():
            batch = tf.shape(context)[:-1]
        shape = tf.concat([batch, self.template.distribution.event_shape], axis=0)
        base = tfd.MultivariateNormalDiag(tf.zeros(shape, self.dtype), tf.ones(shape, self.dtype))
        bijector = self.bijector_given(context)
        return tfd.TransformedDistribution(base, bijector, name=self.template.name)

    def _checked(self, context):
        context = context_tensor(context, self.dtype)
        if context.shape.rank is None or context.shape[-1] not in (None, self.context_size):
            raise ValueError(
                f"{self.template.name} depends on a context of {self.context_size} numbers, got "
                f"shape {context.shape}."
            )
        if not tf.is_symbolic_tensor(context) and not np.isfinite(context).all():
            raise ValueError(f"context must be finite, got {context.numpy()}.")
        return tf.ensure_shape(context, [*context.shape[:-1], self.context_size])

    def bijector_given(self, context):
        """Returns the bijector from base to data at contexts `[..., c]`."""
        context = self.standardise_context.inverse(self._checked(context))
        return given(self.template.bijector, context)


def normal_given(event_size, context_size, *, dtype, **network):
    """Returns a layer that scales and shifts as a network says of the context."""
    return layer_given(
        lambda raw: BoundedAffine(
            tf.stack(tf.split(raw, 2, axis=-1), axis=-2), log_scale_bound=LOG_SCALE_BOUND
        ),
        np.zeros([2 * event_size]),
        event_size,
        context_size,
        dtype=dtype,
        name="base_given_context",
        **network,
    )


def layer_given(transform, start, event_size, context_size, *, dtype, name, **network):
    """Returns a layer whose parameters are `start` plus what a network makes of the context.

    The last weights of the network are zero in the beginning: all contexts start alike.

    Args:
      transform: Callable from the parameters `[..., m]` to a bijector.
      start: The m parameters to begin with.
      event_size: Number of dimensions d.
      context_size: Number of numbers in a context.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the layer.
      **network: Options of `networks.MLP`.
    """
    network = MLP(context_size, len(start), **network, dtype=dtype, name=f"{name}_conditioner")
    network.dense[-1].bias.assign(tf.cast(start, dtype))
    return Conditional(event_size, network, transform, dtype=dtype, name=name)
