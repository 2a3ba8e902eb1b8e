"""What a step descends on: a batch, and the loss of a flow on it.

An objective has two pure functions, which become part of the compiled step:

    draw(fixed, row, seed)   the batch of one step, no gradient goes through it
    loss(flow, batch)        a scalar in nats

`fixed` are tensors that stay on the device for the whole run, `row` is what the host hands in
for this step, and `seed` is the pair [seed, step]. So the batch of a step depends on the
step's number alone, and not on how steps are grouped into calls.

The functions hold neither a flow nor the data: what is compiled is kept as long as the flow,
and used again when the `key` is the same.
"""

import contextlib
import functools
import hashlib

import numpy as np
import tensorflow as tf

from normflows_tut import _noise


class ArrayLikelihood:
    """Maximum likelihood on an array: minibatches without replacement, epoch by epoch."""

    def __init__(self, data, batch_size, seed, dtype):
        self._seed = seed
        self._size = len(data)
        self._batch_size = min(batch_size, len(data))
        self._epoch, self._order = None, None
        self._data = data
        self.fixed = (tf.constant(data),)
        self.key = ("array", data.shape, data.dtype, self._batch_size)
        whole = data.dtype == np.uint8
        self.draw = functools.partial(_gather_dequantized, dtype) if whole else _gather
        self.loss = negative_log_likelihood

    def rows(self, first, count):
        """Returns the indices of `count` batches, int32 `[count, batch_size]`.

        The epochs' permutations, end to end, are cut into batches: every point is used
        equally often, whatever the batch size.
        """
        position, end = first * self._batch_size, (first + count) * self._batch_size
        pieces = []
        while position < end:
            epoch, start = divmod(position, self._size)
            stop = min(self._size, start + end - position)
            pieces.append(self._permutation(epoch)[start:stop])
            position += stop - start
        return (np.concatenate(pieces).reshape(count, self._batch_size),)

    def _permutation(self, epoch):
        if epoch != self._epoch:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._size)
            self._epoch, self._order = epoch, order.astype(np.int32)
        return self._order

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        return {"data": f"array {digest(self._data)}", "batch_size": self._batch_size}


class FreshLikelihood:
    """Maximum likelihood on a distribution: every step draws a new batch."""

    fixed = ()

    def __init__(self, target, batch_size, dtype):
        self._target, self._batch_size = target, batch_size
        self.key = ("draws", target, batch_size)

        def draw(fixed, row, seed):
            return tf.cast(target.sample(batch_size, seed=seed), dtype)

        self.draw, self.loss = draw, negative_log_likelihood

    def rows(self, first, count):
        """Nothing comes from the host."""
        return ()

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        draws = self._target.sample(64, seed=tf.constant([0, 0])).numpy()
        return {"data": f"distribution {digest(draws)}", "batch_size": self._batch_size}


class ReverseKL:
    """E_q[log q(x) - beta_t log p~(x)], the flow's own samples against an unnormalised p~."""

    fixed = ()

    def __init__(self, target_log_prob, batch_size, annealing_steps, flow):
        self._target_log_prob, self._batch_size = target_log_prob, batch_size
        self._annealing_steps = annealing_steps
        self._event_shape, self._dtype = flow.event_shape, flow.dtype
        self.key = ("reverse", target_log_prob, batch_size)

        def draw(fixed, row, seed):
            return row[0], seed

        def loss(flow, batch):
            beta, seed = batch
            with only_tracked_variables(flow):
                # Forward and its log-det give the density of a sample: nothing is inverted.
                x, log_q = flow.experimental_sample_and_log_prob(batch_size, seed=seed)
            log_p = tf.convert_to_tensor(target_log_prob(x))
            if log_p.shape != log_q.shape:
                raise ValueError(
                    f"target_log_prob must map shape {list(x.shape)} to {list(log_q.shape)}, "
                    f"got {list(log_p.shape)}."
                )
            return tf.reduce_mean(log_q - tf.cast(beta, x.dtype) * tf.cast(log_p, x.dtype))

        self.draw, self.loss = draw, loss

    def rows(self, first, count):
        """Returns the inverse temperatures beta_t, `[count]`."""
        if self._annealing_steps == 0:
            return (np.ones([count]),)
        step = np.arange(first, first + count)
        return (np.minimum(1.0, 0.01 + step / self._annealing_steps),)

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        points = np.random.default_rng(0).normal(size=[64, *self._event_shape])
        values = np.asarray(self._target_log_prob(tf.constant(points, self._dtype)))
        return {
            "target": digest(values),
            "batch_size": self._batch_size,
            "annealing_steps": self._annealing_steps,
        }


def negative_log_likelihood(flow, x):
    """Returns the mean of -log_prob over the batch, in nats."""
    with only_tracked_variables(flow):
        # A tensor that no bijector has seen: TFP's cache would mix old and new weights.
        return -tf.reduce_mean(flow.log_prob(tf.identity(x)))


@contextlib.contextmanager
def only_tracked_variables(flow):
    """Checks, while tracing, that every weight in use is in `flow.trainable_variables`.

    Raises:
      ValueError: Some are not, and would silently stay as they are.
    """
    with tf.GradientTape() as tape:
        yield
    tracked = {id(variable) for variable in flow.trainable_variables}
    lost = [v.name for v in tape.watched_variables() if id(v) not in tracked]
    if lost:
        raise ValueError(
            f"The loss uses {len(lost)} trainable variables that flow.trainable_variables "
            f"lacks (first: {lost[0]}): they would never be trained or saved. {USUAL_CAUSES}"
        )


USUAL_CAUSES = (
    "The usual causes: a Keras 3 network inside a bijector, which a tf.Module cannot see "
    "(use normflows_tut.networks, a tf.Module of your own, or tf_keras); a network that lives "
    "only in a lambda or in a *_default_template; parameters that are plain tensors instead of "
    "tf.Variable; variables made with trainable=False."
)


def _gather(fixed, row, seed):
    return tf.gather(fixed[0], row[0])  # (batch_size, d)


def _gather_dequantized(dtype, fixed, row, seed):
    x = tf.cast(_gather(fixed, row, seed), dtype)
    return _noise.with_stateless_noise(x, seed)


def dequantized(data, seed, dtype):
    """Returns uint8 `data` with uniform noise, the same for the same `seed`; other data as is."""
    if data.dtype != np.uint8:
        return data
    return _noise.with_noise(data, np.random.default_rng([seed, 1]), dtype.as_numpy_dtype)


def digest(array):
    """Returns a fingerprint of an array's dtype, shape and bytes."""
    array = np.ascontiguousarray(array)
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()
