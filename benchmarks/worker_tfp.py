"""Trains the flow of a case by TensorFlow Probability alone, with tf_keras networks.

The second argument says how: `documented` is one step a call of a `tf.function`, as TFP's
examples train; `compiled` the same with XLA.
"""

import math
import sys

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from speed_cases import BATCH, BINS, BOUND, CASES, POINTS, RATE, serve

tfb, tfd = tfp.bijectors, tfp.distributions

kind, dimensions, layers, units = CASES[sys.argv[1]]
data = tf.constant(np.random.default_rng(0).normal(size=[POINTS, dimensions]), tf.float32)
first = dimensions // 2


def network(inputs, outputs):
    """Two hidden layers."""
    dense = tf_keras.layers.Dense
    return tf_keras.Sequential(
        [
            tf_keras.Input([inputs]),
            dense(units, activation="relu"),
            dense(units, activation="relu"),
            dense(outputs),
        ]
    )


def affine():
    """An affine coupling."""
    net = network(first, 2 * (dimensions - first))

    def shift_and_log_scale(x, _):
        shift, raw = tf.split(net(x), 2, axis=-1)
        return shift, 3.0 * tf.tanh(raw / 3.0)

    return tfb.RealNVP(num_masked=first, shift_and_log_scale_fn=shift_and_log_scale), net


def spline():
    """A spline coupling."""
    size = dimensions - first
    net = network(first, size * (3 * BINS - 1))

    def bijector(x, _):
        raw = tf.reshape(net(x), [-1, size, 3 * BINS - 1])
        widths, heights, slopes = tf.split(raw, [BINS, BINS, BINS - 1], axis=-1)

        def sizes(part):
            share = 1e-3 + (1 - 1e-3 * BINS) * tf.nn.softmax(part, axis=-1)
            return 2 * BOUND * share

        offset = math.log(math.expm1(1 - 1e-3))
        return tfb.RationalQuadraticSpline(
            sizes(widths), sizes(heights), 1e-3 + tf.nn.softplus(slopes + offset), range_min=-BOUND
        )

    return tfb.RealNVP(num_masked=first, bijector_fn=bijector), net


def autoregressive():
    """A masked autoregressive layer."""
    made = tfb.AutoregressiveNetwork(
        params=2, event_shape=[dimensions], hidden_units=[units, units], activation="relu"
    )
    made.build([None, dimensions])
    return tfb.MaskedAutoregressiveFlow(made), made


stack, networks = [], []
for _ in range(layers):
    layer, net = {"real_nvp": affine, "spline": spline, "maf": autoregressive}[kind]()
    stack += [layer, tfb.Permute(list(range(dimensions))[::-1])]
    networks.append(net)
flow = tfd.TransformedDistribution(
    tfd.MultivariateNormalDiag(tf.zeros([dimensions])), tfb.Chain(stack)
)
variables = [v for net in networks for v in net.trainable_variables]
optimizer = tf_keras.optimizers.Adam(RATE)
optimizer.build(variables)


@tf.function(jit_compile=sys.argv[2] == "compiled")
def step(batch):
    """One update."""
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(flow.log_prob(batch))
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    return loss


batches = iter(tf.data.Dataset.from_tensor_slices(data).shuffle(POINTS).repeat().batch(BATCH))


def train(num_steps):
    """Returns the last loss."""
    for _ in range(num_steps):
        loss = step(next(batches))
    return float(loss)


serve(train)
