"""Many Adam steps in one compiled call."""

import math
import weakref

import numpy as np
import tensorflow as tf

from normflows_tut.training.objectives import USUAL_CAUSES

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Kingma & Ba 2015, Algorithm 1

_ENGINES = weakref.WeakKeyDictionary()  # flow -> {key: Engine}


def engine_for(flow, objective, *, steps_per_call, clipped, jit_compile):
    """Returns the engine of an earlier run on `flow` that would compile to the same, or a new one.

    Raises:
      ValueError: `flow.trainable_variables` is empty.
    """
    variables = flow.trainable_variables
    if not variables:
        raise ValueError(
            f"flow.trainable_variables is empty: nothing would be trained. {USUAL_CAUSES}"
        )
    engines = _ENGINES.setdefault(flow, {})
    key = (objective.key, steps_per_call, clipped, jit_compile, tuple(map(id, variables)))
    if key not in engines:
        engines[key] = Engine(flow, objective, steps_per_call, clipped, jit_compile)
    return engines[key]


class Engine:
    """The compiled steps, and the moments of Adam.

    It refers to its flow weakly: kept in a table under the flow, it would otherwise keep its
    own key alive. The moments of all weights are one vector each, so that a call hands over
    two variables for them and not two for every weight.
    """

    def __init__(self, flow, objective, steps_per_call, clipped, jit_compile):
        self._flow = weakref.ref(flow)
        self._draw, self._loss = objective.draw, objective.loss
        self._steps_per_call, self._clipped = steps_per_call, clipped
        self._variables = flow.trainable_variables
        self._sizes = [int(np.prod(v.shape)) for v in self._variables]
        self._dtype = flow.dtype
        zeros = tf.zeros([sum(self._sizes)], self._dtype)
        self.mean = tf.Variable(zeros, trainable=False, name="mean")
        self.square = tf.Variable(zeros, trainable=False, name="square")
        self.compiled = tf.function(self._run, jit_compile=jit_compile, autograph=False)
        self.is_new = True
        flow_reference, of_points = self._flow, objective.log_prob

        @tf.function(jit_compile=jit_compile, autograph=False)
        def log_prob(*block):
            return of_points(flow_reference(), *block)

        self.log_prob = log_prob

    def run(self, objective, rates, clip_norm, seed, first):
        """Makes the steps first, first + 1, ..., one for each of `rates`.

        Args:
          objective: Gives the batches; of the same key as the one that built the engine.
          rates: Learning rates, `[n]` with n at most `steps_per_call`. No rate, no step: the
            call then compiles, and nothing else.
          clip_norm: Largest norm of the gradient, or None.
          seed: Int.
          first: Number of the first step.

        Returns:
          losses `[m]`, the finite ones, m < n if the run stopped at a loss that was not; a
          bool, whether weights and moments are all finite; and the state before the call,
          for `restore`.
        """
        count = len(rates)
        # One shape for every call, full or not: another shape would be compiled again.
        padded = [self._pad(row) for row in (rates, *objective.rows(first, max(count, 1)))]
        losses, good, finite, state = self.compiled(
            objective.fixed,
            tuple(padded[1:]),
            padded[0],
            tf.constant(0.0 if clip_norm is None else clip_norm, self._dtype),
            tf.constant(seed),
            tf.constant(first),
            tf.constant(count),
        )
        self.is_new = False
        return losses.numpy()[: int(good)], bool(finite), state

    def _pad(self, row):
        row = np.asarray(row)
        if row.dtype == np.float64:
            row = row.astype(self._dtype.as_numpy_dtype)
        padding = np.zeros([self._steps_per_call - len(row), *row.shape[1:]], row.dtype)
        return tf.constant(np.concatenate([row, padding]))

    def state(self):
        """Returns weights, means and squares, three vectors."""
        return self._flat(self._variables), self.mean.read_value(), self.square.read_value()

    def restore(self, weights, mean, square):
        """Sets what `state` returned."""
        self.set_weights(weights)
        self.set_moments(mean, square)

    def set_weights(self, weights):
        """Sets all trainable variables from one vector."""
        for variable, value in zip(self._variables, self._parts(weights), strict=True):
            variable.assign(value)

    def set_moments(self, mean, square):
        """Sets Adam's moments from two vectors, or from two numbers for all."""
        self.mean.assign(tf.broadcast_to(tf.cast(mean, self._dtype), self.mean.shape))
        self.square.assign(tf.broadcast_to(tf.cast(square, self._dtype), self.square.shape))

    def _flat(self, tensors):
        return tf.concat([tf.reshape(tf.cast(t, self._dtype), [-1]) for t in tensors], axis=0)

    def _parts(self, vector):
        parts = tf.split(vector, self._sizes)
        return [
            tf.cast(tf.reshape(part, variable.shape), variable.dtype)
            for part, variable in zip(parts, self._variables, strict=True)
        ]

    def _run(self, fixed, rows, rates, clip_norm, seed, first, count):
        before = self.state()

        def one_step(k, good, losses):
            batch = self._draw(fixed, [row[k] for row in rows], tf.stack([seed, first + k]))
            loss, gradient = self._loss_and_gradient(batch)
            if self._clipped:
                gradient *= clip_norm / tf.maximum(tf.norm(gradient), clip_norm)
            self._adam(gradient, rates[k], first + k + 1)
            losses = tf.tensor_scatter_nd_update(losses, [[k]], [loss])
            return k + 1, good + tf.cast(tf.math.is_finite(loss), tf.int32), losses

        # The count is a tensor, so a call may end at any step. A loss that is not finite ends
        # it too: `good` falls behind.
        _, good, losses = tf.while_loop(
            lambda k, good, losses: (k < count) & (good == k),
            one_step,
            [tf.constant(0), tf.constant(0), tf.zeros([self._steps_per_call], self._dtype)],
            parallel_iterations=1,  # a plain graph must not overlap steps
        )
        # A gradient that was not finite stays in the means: one look a call is enough.
        after = self._flat(self._variables)
        finite = tf.reduce_all(tf.math.is_finite(self.mean) & tf.math.is_finite(after))
        return losses, good, finite, before

    def _loss_and_gradient(self, batch):
        with tf.GradientTape() as tape:
            loss = tf.cast(self._loss(self._flow(), batch), self._dtype)
        gradients = tape.gradient(
            loss, self._variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return loss, self._flat(gradients)

    def _adam(self, gradient, rate, t):
        """Kingma & Ba (2015), Algorithm 1: step `t`, counted from 1."""
        t = tf.cast(t, self._dtype)
        mean = BETA_1 * self.mean + (1 - BETA_1) * gradient
        square = BETA_2 * self.square + (1 - BETA_2) * tf.square(gradient)
        self.mean.assign(mean)
        self.square.assign(square)
        # 1 - beta^t through expm1: in float32 the difference itself would lose four digits. The
        # two corrections are one number each: applied to `rate` and as a factor, they spare a
        # division for every weight.
        rate /= -tf.math.expm1(t * math.log(BETA_1))
        correction = 1.0 / -tf.math.expm1(t * math.log(BETA_2))
        change = rate * mean / (tf.sqrt(square * correction) + EPSILON)
        for variable, part in zip(self._variables, self._parts(change), strict=True):
            variable.assign_sub(part)
