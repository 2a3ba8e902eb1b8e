"""Networks with weights of their own, as plain `tf.Module`s.

TFP finds the variables of a `tf.Module` wherever it stands inside a bijector. It does not
find those of a Keras 3 model, and then nothing trains, in silence.
"""

import itertools

import numpy as np
import tensorflow as tf

from normflows_tut._checks import (
    float_dtype,
    non_negative_int,
    positive_int,
    positive_ints,
    random_generator,
)

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


class Dense(tf.Module):
    """A dense layer, `x W + b`, whose variables exist from the start.

    Args:
      input_size: Number of inputs m, at least 1.
      output_size: Number of outputs k, at least 1.
      zero: Whether all weights start at zero, rather than He-normal: N(0, 2 / m).
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1.

    Reference:
      He et al. (2015), Delving Deep into Rectifiers, equation 10.
    """

    def __init__(
        self, input_size, output_size, *, zero=False, seed=0, dtype=tf.float32, name="dense"
    ):
        super().__init__(name=name)
        m = positive_int("input_size", input_size)
        k = positive_int("output_size", output_size)
        dtype = float_dtype(dtype)
        deviation = 0.0 if zero else np.sqrt(2.0 / m)
        weights = deviation * random_generator(seed).normal(size=[m, k])
        self.weights = tf.Variable(tf.cast(weights, dtype), name="weights")  # (m, k)
        self.bias = tf.Variable(tf.zeros([k], dtype), name="bias")  # (k,)

    def __call__(self, x, mask=None):
        """Maps `[..., m]` to `[..., k]`; `mask` `[m, k]` multiplies the weights."""
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
      activation: Name of the activation between layers, or a callable.
      zero_last: Whether the last layer starts at zero. A coupling that it conditions then
        starts as the identity.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1, or the activation is unknown.

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
        activation="relu",
        zero_last=True,
        seed=0,
        dtype=tf.float32,
        name="mlp",
    ):
        super().__init__(name=name)
        self.activation = activation_function(activation)
        sizes = [input_size, *positive_ints("hidden_units", hidden_units), output_size]
        self.dense = _dense_layers(sizes, zero_last, seed, dtype)

    def __call__(self, x):
        """Maps `[..., input_size]` to `[..., output_size]`."""
        for dense in self.dense[:-1]:
            x = self.activation(dense(x))
        return self.dense[-1](x)


class MADE(tf.Module):
    """A masked network: what it says of a coordinate depends on those before it alone.

    ```none
    parameters[..., p, i] depends on x_j only if j comes before i in `order`
    ```

    Every unit has a degree. An input has its place in the order, 1 to d; a hidden unit sees
    units of at most its own degree; an output for the coordinate of place k sees units of
    degree at most k - 1. The masks are multiplied into the weights at every call, so no
    optimizer can break them. The hidden degrees, from 1 to d - 1, are spread evenly and
    ascend; the first coordinate in the order gets constants.

    Args:
      event_size: Number of coordinates d, at least 1.
      num_parameters: Number of parameters P for each coordinate.
      hidden_units: Sizes of the hidden layers; may be empty.
      order: The coordinates, the first first: a permutation of 0 ... d - 1. By default as they
        are. It is saved with the weights.
      context_size: Number of further inputs, which all outputs depend on; hidden degrees then
        start at 0.
      activation: Name of the activation between layers, or a callable.
      zero_last: Whether the last layer starts at zero.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1, `order` is no permutation, or the activation is unknown.

    Reference:
      Germain, Gregor, Murray & Larochelle (2015), MADE: Masked Autoencoder for Distribution
      Estimation, equations 12 and 13.

    Example:
      >>> MADE(3, num_parameters=2)(tf.zeros([5, 3])).shape
      TensorShape([5, 2, 3])
    """

    def __init__(
        self,
        event_size,
        num_parameters=2,
        hidden_units=(64, 64),
        *,
        order=None,
        context_size=0,
        activation="relu",
        zero_last=True,
        seed=0,
        dtype=tf.float32,
        name="made",
    ):
        super().__init__(name=name)
        self.event_size = d = positive_int("event_size", event_size)
        self.num_parameters = positive_int("num_parameters", num_parameters)
        self.context_size = non_negative_int("context_size", context_size)
        order = np.arange(d) if order is None else np.asarray(order)
        if order.shape != (d,) or not np.array_equal(np.sort(order), np.arange(d)):
            raise ValueError(f"order must be a permutation of 0 ... {d - 1}, got {order.tolist()}.")
        hidden_units = positive_ints("hidden_units", hidden_units)
        self.activation = activation_function(activation)
        # A variable, so that weights are never restored into a network of another order.
        degrees = np.argsort(order) + 1
        self.degrees = tf.Variable(degrees, trainable=False, dtype=tf.int64, name="degrees")
        self.hidden_degrees = [
            _spread_degrees(size, d, self.context_size > 0) for size in hidden_units
        ]
        sizes = [d + self.context_size, *hidden_units, d * self.num_parameters]
        self.dense = _dense_layers(sizes, zero_last, seed, dtype)

    def masks(self):
        """Returns the 0-1 mask of each layer, `[inputs, outputs]`, from input to output."""
        dtype = self.dense[0].weights.dtype
        context = tf.zeros([self.context_size], tf.int64)
        degrees = [tf.concat([self.degrees, context], axis=0), *self.hidden_degrees]
        masks = [below[:, tf.newaxis] <= above for below, above in itertools.pairwise(degrees)]
        outputs = tf.tile(self.degrees, [self.num_parameters])
        masks.append(degrees[-1][:, tf.newaxis] < outputs)
        return [tf.cast(mask, dtype) for mask in masks]

    def __call__(self, x, context=None):
        """Maps `[..., d]`, and a context `[..., context_size]`, to `[..., P, d]`."""
        self._check_context(context)
        h = x if context is None else tf.concat([x, context], axis=-1)
        masks = self.masks()
        for dense, mask in zip(self.dense[:-1], masks[:-1], strict=True):
            h = self.activation(dense(h, mask))
        raw = self.dense[-1](h, masks[-1])
        by_coordinate = [self.num_parameters, self.event_size]
        return tf.reshape(raw, tf.concat([tf.shape(raw)[:-1], by_coordinate], axis=0))

    def solve(self, respond, z, context=None):
        """Finds the points that answer to their own parameters, one coordinate at a time.

        ```none
        x_i, log_det_i = respond(parameters_i(x before i), z_i)
        ```

        Each step computes only the hidden units that the coordinate just found completes, and
        lower ones to make up as many in every step as the commonest degree has. If every hidden
        layer has d units or more, all steps together multiply less than three times as much as
        one evaluation does. They take longer, being many and small.

        Args:
          respond: Callable from parameters `[n, P, 1]` and `z_i` `[n, 1]` to values `[n, 1]`
            and log-dets `[n]`.
          z: `[n, d]`.
          context: `[n, context_size]`, if there is one.

        Returns:
          The points `[n, d]` and the sums of their log-dets `[n]`.
        """
        self._check_context(context)
        if z.shape[0] == 0:  # a scatter refuses to write nothing
            return z, z[:, 0]
        d, masks = self.event_size, self.masks()
        # All arrays have the points last, so that a step writes whole rows, and the
        # coordinates in their order.
        order = tf.argsort(self.degrees)
        kernels = [
            tf.transpose(dense.weights * mask)
            for dense, mask in zip(self.dense, masks, strict=True)
        ]
        biases = [dense.bias[:, tf.newaxis] for dense in self.dense]
        if context is not None:
            biases[0] += tf.matmul(kernels[0][:, d:], context, transpose_b=True)
        kernels[0] = tf.gather(kernels[0][:, :d], order, axis=1)
        by_coordinate = [self.num_parameters, d, -1]

        def of_coordinates(matrix):
            return tf.gather(tf.transpose(tf.reshape(matrix, by_coordinate), [1, 0, 2]), order)

        last_kernel, last_bias = of_coordinates(kernels.pop()), of_coordinates(biases.pop())
        z = tf.gather(tf.transpose(z), order)  # (d, n)
        # int32: pfor cannot batch the gradient of a scatter with other indices.
        rows = [
            tf.constant(_rows_of_degree(degrees, d), tf.int32) for degrees in self.hidden_degrees
        ]
        blocks = [
            (tf.gather(kernel, row), tf.gather(bias, row), row)  # each step's part
            for kernel, bias, row in zip(kernels, biases, rows, strict=True)
        ]

        def one_step(k, log_det, layers):
            raw = tf.matmul(last_kernel[k], layers[-1]) + last_bias[k]  # (P, n)
            value, change = respond(tf.transpose(raw)[:, :, tf.newaxis], z[k][:, tf.newaxis])
            found = [tf.tensor_scatter_nd_update(layers[0], [[k]], tf.transpose(value))]
            for layer, (kernel, bias, row) in zip(layers[1:], blocks, strict=True):
                units = self.activation(tf.matmul(kernel[k], found[-1]) + bias[k])
                found.append(tf.tensor_scatter_nd_update(layer, row[k][:, tf.newaxis], units))
            return k + 1, log_det + change, found

        layers = [tf.zeros_like(z)]
        for kernel, bias in zip(kernels, biases, strict=True):
            layers.append(self.activation(tf.matmul(kernel, layers[-1]) + bias))
        _, log_det, layers = tf.while_loop(
            lambda k, *_: k < d,
            one_step,
            (tf.constant(0), tf.zeros_like(z[0]), layers),
            maximum_iterations=d,  # XLA needs it for the gradient
        )
        return tf.transpose(tf.gather(layers[0], self.degrees - 1)), log_det

    def _check_context(self, context):
        width = 0 if context is None else context.shape[-1]
        if width != self.context_size:
            raise ValueError(
                f"{self.name} takes a context of width {self.context_size}, got {width}."
            )


def _spread_degrees(size, event_size, has_context):
    """Returns `size` degrees, ascending and evenly spread over those a hidden unit can use."""
    lowest = 0 if has_context else min(1, event_size - 1)
    return lowest + np.arange(size) * (event_size - lowest) // size


def _rows_of_degree(degrees, event_size):
    """Returns for each degree, 1 to d, the rows of the units that have it, `[d, count]`.

    All steps take equally many rows. Where fewer units have a degree, the neighbours of lower
    degree come along: they are computed again, to the same.
    """
    count = max(np.bincount(degrees))
    starts = np.searchsorted(degrees, np.arange(1, event_size + 1), side="right") - count
    return np.maximum(starts, 0)[:, np.newaxis] + np.arange(count)


def _dense_layers(sizes, zero_last, seed, dtype):
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
