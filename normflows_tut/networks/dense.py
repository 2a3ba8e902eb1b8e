"""Dense layers, and the plain network that is made of them."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import (
    float_dtype,
    non_negative_int,
    positive_int,
    positive_ints,
    random_generator,
)
from normflows_tut.networks._context import check_context, joined

_ACTIVATIONS = {
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "elu": tf.nn.elu,
    "gelu": tf.nn.gelu,
    "silu": tf.nn.silu,
    "softplus": tf.nn.softplus,
}


def activation_function(activation):
    """Returns the activation of that name, or `activation` itself if it is callable.

    Raises:
      ValueError: The name is unknown; the message lists the known ones.
    """
    if callable(activation):
        return activation
    if activation not in list(_ACTIVATIONS):  # a list: what has no hash is refused as well
        raise ValueError(f"Unknown activation {activation!r}; known: {', '.join(_ACTIVATIONS)}.")
    return _ACTIVATIONS[activation]


def numbers(name, x, dtype, ndims=1):
    """Returns `x` as a tensor of `dtype` with at least `ndims` axes.

    Raises:
      ValueError: It is none, such as text, a tensor of another dtype, or rows of several lengths;
        the message has `name`, of whom it was given to.
    """
    if not (isinstance(x, tf.Tensor) and x.dtype == dtype):  # nearly always it is
        try:
            if isinstance(x, np.ndarray) and x.dtype.kind == "c":  # TensorFlow would take the half
                raise TypeError
            x = tf.convert_to_tensor(x, dtype)
        except (TypeError, ValueError):
            raise ValueError(f"{name} takes an array of {dtype.name}, got {x!r}.") from None
    if x.shape.rank is not None and x.shape.rank < ndims:
        axes = "1 axis" if ndims == 1 else f"{ndims} axes"
        raise ValueError(f"{name} takes an array of at least {axes}, got shape {x.shape}.")
    return x


def vectors(name, x, size, dtype):
    """Returns `x` as a tensor `[..., size]` of `dtype`, or raises a ValueError with `name`."""
    x = numbers(name, x, dtype)
    if x.shape[-1] not in (None, size):
        raise ValueError(f"{name} takes vectors of {size} numbers, got shape {x.shape}.")
    return x


class Dense(tf.Module):
    """A dense layer, `x W + b`, whose variables exist from the start.

    Args:
      input_size: Number of inputs m, at least 1.
      output_size: Number of outputs k, at least 1.
      zero: Whether weights and biases start at zero, rather than at draws of N(0, 2 / m). With
        one input, as in every coupling in the plane, biases of zero would make all ReLUs bend
        in the same place.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1. On use: what is given are no vectors of m numbers.

    Reference:
      He et al. (2015), Delving Deep into Rectifiers, equation 10, for the weights.
    """

    def __init__(
        self,
        input_size,
        output_size,
        *,
        zero=False,
        seed=0,
        dtype=tf.float32,
        name="dense",
    ):
        super().__init__(name=name)
        m = positive_int("input_size", input_size)
        k = positive_int("output_size", output_size)
        dtype = float_dtype(dtype)
        generator = random_generator(seed)
        deviation = 0.0 if zero else np.sqrt(2.0 / m)
        weights = deviation * generator.normal(size=[m, k])
        bias = deviation * generator.normal(size=[k])
        self.weights = tf.Variable(tf.cast(weights, dtype), name="weights")  # (m, k)
        self.bias = tf.Variable(tf.cast(bias, dtype), name="bias")  # (k,)

    def __call__(self, x, mask=None):
        """Maps `[..., m]` to `[..., k]`; `mask` `[m, k]` multiplies the weights."""
        x = vectors(self.name, x, self.weights.shape[0], self.weights.dtype)
        weights = self.weights if mask is None else self.weights * mask
        # The bias is the weight of an input that is always 1. Its gradient is then part of a
        # matrix product; as a sum over the batch it costs a fifth of a training step.
        ones = tf.ones_like(x[..., :1])
        weights = tf.concat([weights, self.bias[tf.newaxis]], axis=0)  # (m + 1, k)
        return tf.tensordot(tf.concat([x, ones], axis=-1), weights, axes=1)


class MLP(tf.Module):
    """A multilayer perceptron.

    Args:
      input_size: Number of inputs.
      output_size: Number of outputs.
      hidden_units: Sizes of the hidden layers; may be empty.
      context_size: Number of further inputs, which are given as a second argument.
      activation: Name of the activation between layers, or a callable.
      zero_last: Whether the last layer starts at zero. A coupling that it conditions then
        starts as the identity.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1, or the activation is unknown. On use: what is given are no
        vectors of that size.

    Example:
      >>> MLP(2, 3, hidden_units=(16,))(tf.zeros([5, 2])).shape
      TensorShape([5, 3])
    """

    def __init__(
        self,
        input_size,
        output_size,
        hidden_units=(64, 64),
        *,
        context_size=0,
        activation="relu",
        zero_last=True,
        seed=0,
        dtype=tf.float32,
        name="mlp",
    ):
        super().__init__(name=name)
        self.activation = activation_function(activation)
        self.context_size = non_negative_int("context_size", context_size)
        self.input_size = positive_int("input_size", input_size)
        input_size = self.input_size + self.context_size
        sizes = [input_size, *positive_ints("hidden_units", hidden_units), output_size]
        self.dense = dense_layers(sizes, zero_last, seed=seed, dtype=dtype)

    def __call__(self, x, context=None):
        """Maps `[..., m]`, and a context `[..., context_size]`, to `[..., output_size]`."""
        dtype = self.dense[0].weights.dtype
        x = vectors(self.name, x, self.input_size, dtype)
        if context is not None:
            context = numbers(f"the context of {self.name}", context, dtype)
        check_context(self.name, self.context_size, context)
        x = joined(x, context)
        for dense in self.dense[:-1]:
            x = self.activation(dense(x))
        return self.dense[-1](x)


def dense_layers(sizes, zero_last, *, seed, dtype):
    """Returns the `Dense` layers from each size to the next; the last may start at zero."""
    last = len(sizes) - 2
    return [
        Dense(
            sizes[k],
            sizes[k + 1],
            zero=zero_last and k == last,
            seed=np.append(seed, k),
            dtype=dtype,
            name=f"dense_{k}",
        )
        for k in range(last + 1)
    ]
