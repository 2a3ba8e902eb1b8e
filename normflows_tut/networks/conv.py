"""Convolutions, and the residual network that is made of them."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import float_dtype, non_negative_int, positive_int, random_generator
from normflows_tut.networks._context import check_context
from normflows_tut.networks.dense import Dense, activation_function, numbers


class Conv(tf.Module):
    """A convolution that keeps height and width, `x * W + b`, with zeros around the image.

    Args:
      input_channels: Number of channels m that go in, at least 1.
      output_channels: Number of channels k that come out, at least 1.
      width: Side of the square window, odd.
      zero: Whether weights and biases start at zero, rather than at draws of N(0, 2 / (m width^2)).
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1, or `width` is even. On use: what is given are no images of m
        channels.
    """

    def __init__(
        self,
        input_channels,
        output_channels,
        width=3,
        *,
        zero=False,
        seed=0,
        dtype=tf.float32,
        name="conv",
    ):
        super().__init__(name=name)
        m = positive_int("input_channels", input_channels)
        k = positive_int("output_channels", output_channels)
        if positive_int("width", width) % 2 == 0:
            raise ValueError(f"width must be odd, got {width}.")
        dtype = float_dtype(dtype)
        generator = random_generator(seed)
        deviation = 0.0 if zero else np.sqrt(2.0 / (m * width**2))
        weights = deviation * generator.normal(size=[width, width, m, k])
        bias = deviation * generator.normal(size=[k])
        self.weights = tf.Variable(tf.cast(weights, dtype), name="weights")
        self.bias = tf.Variable(tf.cast(bias, dtype), name="bias")

    def __call__(self, x):
        """Maps `[..., h, w, m]` to `[..., h, w, k]`."""
        x = _images(self.name, x, self.weights)
        # As one batch: without any, oneDNN ends the process.
        images = tf.reshape(x, tf.concat([[-1], tf.shape(x)[-3:]], axis=0))
        y = tf.nn.convolution(images, self.weights, padding="SAME")
        # Before the bias: of no image at all, oneDNN returns as many channels as it was given.
        shape = tf.concat([tf.shape(x)[:-1], tf.shape(self.bias)], axis=0)
        return tf.reshape(y, shape) + self.bias


class ConvNet(tf.Module):
    """A residual network of convolutions: what each pixel gets depends on its neighbourhood.

    ```none
    h = conv_3x3(x) + dense(context)
    h = h + conv_1x1(activation(conv_3x3(activation(h))))       num_blocks times
    output = conv_3x3(activation(h))
    ```

    Args:
      input_channels: Number of channels that go in.
      output_channels: Number of channels that come out.
      hidden_channels: Number of channels between, at least 1.
      num_blocks: Number of residual blocks, at least 0.
      context_size: Number of further inputs, which are given as a second argument: the same for
        all pixels, or for each its own.
      activation: Name of the activation, or a callable.
      zero_last: Whether the last convolution starts at zero. A coupling that it conditions then
        starts as the identity.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is out of range, or the activation is unknown. On use: what is given are
        no images of so many channels.

    Reference:
      He, Zhang, Ren & Sun (2016), Identity Mappings in Deep Residual Networks, figure 1 b.

    Example:
      >>> ConvNet(2, 4, hidden_channels=8)(tf.zeros([5, 6, 6, 2])).shape
      TensorShape([5, 6, 6, 4])
    """

    def __init__(
        self,
        input_channels,
        output_channels,
        hidden_channels=32,
        num_blocks=2,
        *,
        context_size=0,
        activation="relu",
        zero_last=True,
        seed=0,
        dtype=tf.float32,
        name="conv_net",
    ):
        super().__init__(name=name)
        self.activation = activation_function(activation)
        count = non_negative_int("num_blocks", num_blocks)
        c = positive_int("hidden_channels", hidden_channels)
        made = {"dtype": dtype}
        self.context_size = non_negative_int("context_size", context_size)
        self.first = Conv(input_channels, c, seed=np.append(seed, 0), name="first", **made)
        self.blocks = [
            (
                Conv(c, c, seed=np.append(seed, 2 * k + 1), name=f"block_{k}_wide", **made),
                Conv(c, c, 1, seed=np.append(seed, 2 * k + 2), name=f"block_{k}_narrow", **made),
            )
            for k in range(count)
        ]
        if self.context_size:
            of_context = np.append(seed, 2 * count + 2)
            self.of_context = Dense(
                self.context_size, c, seed=of_context, name="of_context", **made
            )
        last = np.append(seed, 2 * count + 1)
        self.last = Conv(c, output_channels, zero=zero_last, seed=last, name="last", **made)

    def __call__(self, x, context=None):
        """Maps `[..., h, w, m]`, and a context `[..., 1, 1, context_size]`, to `[..., h, w, k]`."""
        x = _images(self.name, x, self.first.weights)
        if context is not None:
            context = numbers(f"the context of {self.name}", context, x.dtype)
        check_context(self.name, self.context_size, context)
        h = self.first(x)
        if context is not None:
            h += self.of_context(context)
        for wide, narrow in self.blocks:
            h += narrow(self.activation(wide(self.activation(h))))
        return self.last(self.activation(h))


def _images(name, x, weights):
    """Returns `x` as images for a convolution with these weights, or raises a ValueError."""
    x = numbers(name, x, weights.dtype, ndims=3)
    channels = weights.shape[2]
    if x.shape[-1] not in (None, channels):
        raise ValueError(
            f"{name} takes images [..., height, width, {channels}], got shape {x.shape}."
        )
    return x
