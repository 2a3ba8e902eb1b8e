"""Layers that depend on a context, and any bijector at a given one."""

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.bijectors import _chain
from normflows_tut.bijectors._vector import (
    VectorBijector,
    check_tracked,
    context_tensor,
    forward_and_log_det,
    inverse_and_log_det,
    is_inverted,
)
from normflows_tut.bijectors.multiscale import Multiscale

tfb = tfp.bijectors


class Conditional(VectorBijector):
    """A layer whose parameters are what a network makes of a context.

    ```none
    forward(x, context) = g(x; conditioner(context))
    inverse(y, context) = g^-1(y; conditioner(context))
    log|det d forward/dx| = log|det dg/dx|
    ```

    No coordinate decides over another: between a coupling and this lies only what the
    conditioner is asked. With a scale and a shift it is the diagonal normal distribution that an
    encoder makes; with `Planar` the posterior whose planes move with the observation.

    Args:
      event_size: Number of dimensions d, at least 1.
      conditioner: Callable from a context `[..., c]` to numbers `[..., m]`. Use a `tf.Module`
        such as `networks.MLP`, so that its variables are found.
      transform: Callable from these numbers to a bijector g on events `[d]`.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: `event_size` is below 1, the conditioner or the transform is not callable, or the
        conditioner holds variables that a `tf.Module` cannot see, as Keras 3 models do.

    Reference:
      Rezende & Mohamed (2015), Variational Inference with Normalizing Flows, section 4.2,
      where the network that makes the parameters is called the inference network.

    Example:
      >>> from normflows_tut.networks import MLP
      >>> layer = Conditional(2, MLP(3, 5), lambda raw: Planar(2, raw=raw))
      >>> layer.forward([[1.0, 2.0]], context=[[0.0, 1.0, 0.0]]).numpy().tolist()
      [[1.0, 2.0]]
    """

    takes_context = True

    def __init__(self, event_size, conditioner, transform, *, dtype=tf.float32, name="conditional"):
        parameters = dict(locals())
        super().__init__(event_size, dtype=dtype, parameters=parameters, name=name)
        for part, value in {"conditioner": conditioner, "transform": transform}.items():
            if not callable(value):
                raise ValueError(f"{part} must be callable, got {value!r}.")
        check_tracked(conditioner)
        self.conditioner = conditioner
        self._transform = transform

    def transform(self, context):
        """Returns the bijector g at a context."""
        return self._transform(self.conditioner(context))

    def _forward_and_log_det(self, x, context):
        return forward_and_log_det(self.transform(context), x)

    def _inverse_and_log_det(self, y, context):
        return inverse_and_log_det(self.transform(context), y)


class _Given(VectorBijector):
    """A layer that takes a context, at one."""

    def __init__(self, layer, context):
        parameters = dict(locals())
        super().__init__(
            layer.event_size, dtype=layer.dtype, parameters=parameters, name=layer.name
        )
        self._layer = layer
        self._context = context_tensor(context, layer.dtype)

    def _forward_and_log_det(self, x):
        return self._layer.forward_and_log_det(x, context=self._context)

    def _inverse_and_log_det(self, y):
        return self._layer.inverse_and_log_det(y, context=self._context)


def given(bijector, context):
    """Returns `bijector` at a context: an ordinary bijector that has the same variables.

    ```none
    given(bijector, context).forward(x) = bijector.forward(x, context)
    ```

    Chains, inverted bijectors and `Multiscale` are walked: every layer in them that takes a
    context gets it, the others stay what they are.

    Args:
      bijector: A `tfb.Bijector`.
      context: Tensor `[..., c]`, whose leading dimensions are broadcast with those of the points.
        The levels of a `Multiscale`, which are on images, get it as `[..., 1, 1, c]`; so must you
        give it to another layer on images.

    Raises:
      ValueError: This is no bijector, no layer of it takes a context, or the context is no tensor
        of numbers with at least one axis.

    Example:
      >>> from normflows_tut.networks import MLP
      >>> shift = Conditional(1, MLP(1, 2), lambda raw: BoundedAffine(raw[..., tf.newaxis]))
      >>> given(tfb.Chain([tfb.Exp(), shift]), [[0.0], [1.0]]).forward([[0.0], [0.0]]).shape
      TensorShape([2, 1])
    """
    if not isinstance(bijector, tfb.Bijector):
        hint = " Give its bijector." if hasattr(bijector, "bijector") else ""
        raise ValueError(f"bijector must be a tfb.Bijector, got {bijector!r}.{hint}")
    if not depends_on_context(bijector):
        raise ValueError(f"{bijector.name} has no layer that takes a context.")
    return _walked(bijector, context)


def depends_on_context(bijector):
    """Returns whether a bijector, or a layer inside it, takes a context."""
    if getattr(bijector, "takes_context", False):
        return True
    if is_inverted(bijector):
        return depends_on_context(bijector.bijector)
    parts = bijector.levels if isinstance(bijector, Multiscale) else _chain.links(bijector)
    return any(depends_on_context(part) for part in parts if part is not bijector)


def _walked(bijector, context):
    """`given`, of a part that may take no context."""
    if getattr(bijector, "takes_context", False):
        return _Given(bijector, context)
    if is_inverted(bijector):
        return tfb.Invert(_walked(bijector.bijector, context), name=bijector.name)
    if isinstance(bijector, Multiscale):
        context = context_tensor(context, bijector.dtype)
        on_images = context[..., tf.newaxis, tf.newaxis, :]
        levels = [_walked(level, on_images) for level in bijector.levels]
        shape, dtype, name = bijector.image_shape, bijector.dtype, bijector.name
        return Multiscale(shape, levels, context=context, dtype=dtype, name=name)
    links = _chain.links(bijector)
    if links == [bijector]:
        return bijector
    return tfb.Chain([_walked(link, context) for link in links], name=bijector.name)
