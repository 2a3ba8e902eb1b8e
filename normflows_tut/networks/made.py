"""A network whose masks make it autoregressive, and how it is solved for its input."""

import itertools
import math

import numpy as np
import tensorflow as tf

from normflows_tut._checks import non_negative_int, positive_int, positive_ints
from normflows_tut.networks._context import check_context, joined
from normflows_tut.networks.dense import activation_function, dense_layers, numbers, vectors


class MADE(tf.Module):
    """A masked network: what it says of a coordinate depends on those before it alone.

    ```none
    parameters[..., p, i] depends on x_j only if j comes before i in `order`
    ```

    Every unit has a degree. An input has its place in the order, 1 to d; a hidden unit sees
    units of at most its own degree; an output for the coordinate of place k sees units of
    degree at most k - 1. The masks are multiplied into the weights at every call, so no
    optimizer can break them. The hidden degrees, from 1 to d - 1, are spread evenly and
    ascend; the first coordinate in the order gets constants. Biases start random, like the
    weights: units of low degree see one or two inputs, and with zeros would bend alike.

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
      ValueError: A size is below 1, `order` is no permutation, or the activation is unknown. On
        use: what is given are no vectors of that size.

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
        self.dense = dense_layers(sizes, zero_last, seed=seed, dtype=dtype)

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
        dtype = self.dense[0].weights.dtype
        x = vectors(self.name, x, self.event_size, dtype)
        if context is not None:
            context = numbers(f"the context of {self.name}", context, dtype)
        check_context(self.name, self.context_size, context)
        h = joined(x, context)
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

        The coordinates are taken in blocks of about sqrt(d). What earlier blocks contribute to
        a block is one product of matrices; then each of its coordinates takes a run through
        the few hidden units whose degrees lie in the block. Where sqrt(d) is a whole number
        and all degrees are equally common, both together multiply at most about twice as much
        as one evaluation does. They take longer, being many and small.

        Args:
          respond: Callable from parameters `[n, P, 1]` and `z_i` `[n, 1]` to values `[n, 1]`
            and log-dets `[n]`.
          z: `[n, d]`.
          context: `[n, context_size]`, if there is one.

        Returns:
          The points `[n, d]` and the sums of their log-dets `[n]`.
        """
        check_context(self.name, self.context_size, context)
        if z.shape[0] == 0:  # a scatter refuses to write nothing
            return z, z[:, 0]
        d = self.event_size
        size = round(math.sqrt(d))
        # All arrays have the points last, so that a step writes whole rows, and the
        # coordinates in their order.
        order = tf.argsort(self.degrees)
        kernels = [
            tf.transpose(dense.weights * mask)
            for dense, mask in zip(self.dense, self.masks(), strict=True)
        ]
        biases = [dense.bias[:, tf.newaxis] for dense in self.dense]
        if context is not None:
            biases[0] += tf.matmul(kernels[0][:, d:], context, transpose_b=True)
        kernels[0] = tf.gather(kernels[0][:, :d], order, axis=1)
        z = tf.gather(tf.transpose(z), order)  # (d, n)

        def by_coordinate(matrix):
            matrix = tf.reshape(matrix, [self.num_parameters, d, -1])
            return tf.gather(tf.transpose(matrix, [1, 0, 2]), order)

        last_kernel, last_bias = by_coordinate(kernels.pop()), by_coordinate(biases.pop())
        # What has the degrees of a block: of coordinates and of each hidden layer. Behind them
        # stands one more, without weights, that fills up the smaller blocks.
        degrees = [np.arange(1, d + 1), *self.hidden_degrees]
        rows = [tf.constant(_rows_of_blocks(degree, d, size), tf.int32) for degree in degrees]
        kernels = [tf.pad(kernel, [[0, 1], [0, 1]]) for kernel in kernels]
        biases = [tf.pad(bias, [[0, 1], [0, 0]]) for bias in biases]
        last_kernel = tf.pad(last_kernel, [[0, 1], [0, 0], [0, 1]])  # (d + 1, P, units + 1)
        last_bias = tf.pad(last_bias, [[0, 1], [0, 0], [0, 0]])

        def part(array, layer, block):
            return tf.gather(array, rows[layer][block])

        def one_block(block, log_det, layers):
            first = block * size  # place of its first coordinate
            to_rows = [part(kernel, k + 1, block) for k, kernel in enumerate(kernels)]
            starts = [  # all that earlier blocks and the biases say
                tf.matmul(to_row, layer) + part(bias, k + 1, block)
                for k, (to_row, layer, bias) in enumerate(
                    zip(to_rows, layers[:-1], biases, strict=True)
                )
            ]
            inner = [tf.gather(to_row, rows[k][block], axis=1) for k, to_row in enumerate(to_rows)]
            to_last = part(last_kernel, 0, block)
            last_start = tf.tensordot(to_last, layers[-1], axes=1) + part(last_bias, 0, block)
            last_inner = tf.gather(to_last, rows[-1][block], axis=2)

            def units(x):
                found = [x]
                for start, kernel in zip(starts, inner, strict=True):
                    found.append(self.activation(start + tf.matmul(kernel, found[-1])))
                return found

            def one_coordinate(j, log_det, x):
                raw = last_start[j] + tf.matmul(last_inner[j], units(x)[-1])  # (P, n)
                value, change = respond(
                    tf.transpose(raw)[:, :, tf.newaxis], z[first + j][:, tf.newaxis]
                )
                x = tf.tensor_scatter_nd_update(x, [[j]], tf.transpose(value))
                return j + 1, log_det + change, x

            _, log_det, x = tf.while_loop(
                lambda j, *_: (j < size) & (first + j < d),
                one_coordinate,
                (tf.constant(0), log_det, part(layers[0], 0, block)),
                maximum_iterations=size,  # XLA needs it for the gradient
            )
            layers = [
                tf.tensor_scatter_nd_update(layer, row[block][:, tf.newaxis], found)
                for layer, row, found in zip(layers, rows, units(x), strict=True)
            ]
            return block + 1, log_det, layers

        # At the start only the units of degree 0 are known; the others stand at 0.
        layers = [tf.zeros_like(tf.pad(z, [[0, 1], [0, 0]]))]
        for kernel, bias, degree in zip(kernels, biases, degrees[1:], strict=True):
            units = self.activation(tf.matmul(kernel, layers[-1]) + bias)
            known = np.append(degree == 0, False)[:, np.newaxis]
            layers.append(tf.where(known, units, tf.zeros_like(units)))
        num_blocks = rows[0].shape[0]
        _, log_det, layers = tf.while_loop(
            lambda block, *_: block < num_blocks,
            one_block,
            (tf.constant(0), tf.zeros_like(z[0]), layers),
            maximum_iterations=num_blocks,
        )
        return tf.transpose(tf.gather(layers[0], self.degrees - 1)), log_det


def _spread_degrees(size, event_size, has_context):
    """Returns `size` degrees, ascending and evenly spread over those a hidden unit can use."""
    lowest = 0 if has_context else min(1, event_size - 1)
    return lowest + np.arange(size) * (event_size - lowest) // size


def _rows_of_blocks(degrees, event_size, size):
    """Returns for each block of `size` degrees, from 1 on, the rows that have them.

    `[blocks, count]`, with as many rows as the largest block has; where there are fewer, the
    number of rows itself, `len(degrees)`, stands in their places.
    """
    num_blocks = -(-event_size // size)
    block = (np.asarray(degrees) - 1) // size  # degree 0 is in none
    members = [np.flatnonzero(block == k) for k in range(num_blocks)]
    rows = np.full([num_blocks, max(map(len, members))], len(degrees))
    for row, member in zip(rows, members, strict=True):
        row[: len(member)] = member
    return rows
