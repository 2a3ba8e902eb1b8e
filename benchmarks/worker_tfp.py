"""Trains flows of TensorFlow Probability alone, with tf_keras networks.

`documented` is one step a call of a `tf.function`, as TFP's examples train; `compiled` the
same with XLA.
"""

import math

import contest
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

tfb, tfd = tfp.bijectors, tfp.distributions


def network(inputs, outputs, units):
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


def affine(spec):
    """Returns an affine coupling and its network."""
    first = spec.dimensions // 2
    net = network(first, 2 * (spec.dimensions - first), spec.units)

    def shift_and_log_scale(x, _):
        shift, raw = tf.split(net(x), 2, axis=-1)
        return shift, 3.0 * tf.tanh(raw / 3.0)

    return tfb.RealNVP(num_masked=first, shift_and_log_scale_fn=shift_and_log_scale), net


def spline(spec):
    """Returns a spline coupling and its network."""
    first, bins = spec.dimensions // 2, spec.bins
    size, count = spec.dimensions - first, 3 * bins - 1
    net = network(first, size * count, spec.units)
    offset = math.log(math.expm1(1 - 1e-3))

    def bijector(x, _):
        raw = tf.reshape(net(x), [-1, size, count])
        widths, heights, slopes = tf.split(raw, [bins, bins, bins - 1], axis=-1)
        widths, heights = (
            2 * spec.bound * (1e-3 + (1 - 1e-3 * bins) * tf.nn.softmax(part, axis=-1))
            for part in (widths, heights)
        )
        slopes = 1e-3 + tf.nn.softplus(slopes + offset)
        return tfb.RationalQuadraticSpline(widths, heights, slopes, range_min=-spec.bound)

    return tfb.RealNVP(num_masked=first, bijector_fn=bijector), net


def autoregressive(spec):
    """Returns a masked autoregressive layer and its network."""
    made = tfb.AutoregressiveNetwork(
        params=2,
        event_shape=[spec.dimensions],
        hidden_units=[spec.units, spec.units],
        activation="relu",
    )
    made.build([None, spec.dimensions])
    return tfb.MaskedAutoregressiveFlow(made), made


class Trainer:
    """See `contest`."""

    def __init__(self, spec, data, variant, seed):
        tf_keras.utils.set_random_seed(seed)
        self._stack, networks = [], []
        build = {"real_nvp": affine, "spline": spline, "maf": autoregressive}[spec.kind]
        for _ in range(spec.layers):
            layer, net = build(spec)
            self._stack += [layer, tfb.Permute(list(range(spec.dimensions))[::-1])]
            networks.append(net)
        base = tfd.MultivariateNormalDiag(tf.zeros([spec.dimensions]))
        flow = tfd.TransformedDistribution(base, tfb.Chain(self._stack))
        variables = [v for net in networks for v in net.trainable_variables]
        self._optimizer = tf_keras.optimizers.Adam()
        self._optimizer.build(variables)
        rows = tf.data.Dataset.from_tensor_slices(data).shuffle(len(data)).repeat()
        self._batches = iter(rows.batch(contest.BATCH))

        @tf.function(jit_compile=variant == "compiled")
        def step(batch):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(flow.log_prob(batch))
            gradients = tape.gradient(loss, variables)
            self._optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return loss

        self._step = step
        self.log_prob = tf.function(lambda x: flow.log_prob(x))
        self._draw = tf.function(flow.sample, jit_compile=variant == "compiled")

    def steps(self, count, rate):
        """Trains; returns the last loss."""
        self._optimizer.learning_rate = rate
        for _ in range(count):
            loss = self._step(next(self._batches))
        return float(loss)

    def sample(self, count):
        """Draws points."""
        self._draw(count).numpy()


contest.run(Trainer)
