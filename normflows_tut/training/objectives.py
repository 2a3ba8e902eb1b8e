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
import tensorflow_probability as tfp

from normflows_tut import _noise


class ArrayLikelihood:
    """Maximum likelihood on an array: minibatches without replacement, epoch by epoch.

    Args:
      arrays: The data, or the data and the contexts, row by row.
      batch_size: Points a step.
      seed: Decides the order.
      dtype: Of the flow.
    """

    def __init__(self, arrays, batch_size, seed, dtype):
        self._seed, self._arrays = seed, arrays
        self._size = len(arrays[0])
        self._batch_size = min(batch_size, self._size)
        self._epoch, self._order = None, None
        self.fixed = tuple(map(tf.constant, arrays))
        self.key = ("array", *((a.shape, a.dtype) for a in arrays), self._batch_size)
        whole = arrays[0].dtype == np.uint8
        self.draw = functools.partial(_gather_dequantized, dtype) if whole else _gather
        self.loss, self.log_prob = negative_log_likelihood, log_prob

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
        data, *context = map(digest, self._arrays)
        agreed = {"data": f"array {data}", "batch_size": self._batch_size}
        return agreed | ({"context": f"array {context[0]}"} if context else {})


class FreshLikelihood:
    """Maximum likelihood on a distribution: every step draws a new batch."""

    fixed = ()

    def __init__(self, target, batch_size, dtype):
        self._target, self._batch_size = target, batch_size
        self.key = ("draws", target, batch_size)

        def draw(fixed, row, seed):
            return (tf.cast(target.sample(batch_size, seed=seed), dtype),)

        self.draw, self.loss, self.log_prob = draw, negative_log_likelihood, log_prob

    def rows(self, first, count):
        """Nothing comes from the host."""
        return ()

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        draws = self._target.sample(64, seed=tf.constant([0, 0])).numpy()
        return {"data": f"distribution {digest(draws)}", "batch_size": self._batch_size}


class Elbo(ArrayLikelihood):
    """The evidence lower bound of a `flows.VAE` on an array, minibatch by minibatch.

    ```none
    loss_t = -mean over the batch of log p(x | z) + beta_t (log p(z) - log q(z | x))
    ```

    uint8 images are binarized anew in every step.
    """

    def __init__(self, data, batch_size, seed, dtype, annealing_steps):
        super().__init__([data], batch_size, seed, dtype)
        self._annealing_steps = annealing_steps
        self.key = ("elbo", *self.key)
        self.draw = functools.partial(_gather_binarized, dtype)
        self.loss, self.log_prob = _negative_elbo, _elbo

    def rows(self, first, count):
        """Returns the indices of the batches and the beta_t, `[count]`."""
        return (*super().rows(first, count), _annealed(self._annealing_steps, first, count))

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        return super().agreed() | {"annealing_steps": self._annealing_steps}


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

        self.draw, self.loss, self.log_prob = draw, loss, log_prob

    def rows(self, first, count):
        """Returns the inverse temperatures beta_t, `[count]`."""
        return (_annealed(self._annealing_steps, first, count),)

    def agreed(self):
        """Returns what a checkpoint must agree on."""
        points = np.random.default_rng(0).normal(size=[64, *self._event_shape])
        values = np.asarray(self._target_log_prob(tf.constant(points, self._dtype)))
        return {
            "target": digest(values),
            "batch_size": self._batch_size,
            "annealing_steps": self._annealing_steps,
        }


def log_prob(flow, x, *context):
    """Returns log q(x), or log q(x | context), for every point."""
    # A tensor that no bijector has seen: TFP's cache would mix old and new weights.
    return (flow(*context) if context else flow).log_prob(tf.identity(x))


def negative_log_likelihood(flow, batch):
    """Returns the mean of -log_prob over the batch, in nats."""
    with only_tracked_variables(flow):
        return -tf.reduce_mean(log_prob(flow, *batch))


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
    return [tf.gather(array, row[0]) for array in fixed]


def _gather_dequantized(dtype, fixed, row, seed):
    x, *context = _gather(fixed, row, seed)
    return [_noise.with_stateless_noise(tf.cast(x, dtype), seed), *context]


def _gather_binarized(dtype, fixed, row, seed):
    (x,) = _gather(fixed, row, seed)
    of_pixels, of_latents = tf.unstack(tfp.random.split_seed(seed, n=2))
    if x.dtype == tf.uint8:
        uniform = tf.random.stateless_uniform(tf.shape(x), of_pixels, dtype=dtype)
        x = tf.cast(255.0 * uniform < tf.cast(x, dtype), dtype)
    return x, row[1], of_latents


def _negative_elbo(vae, batch):
    x, beta, seed = batch
    with only_tracked_variables(vae):
        log_likelihood, log_ratio = vae.terms(x, seed=seed)
    return -tf.reduce_mean(log_likelihood + tf.cast(beta, x.dtype) * log_ratio)


def _elbo(vae, x):
    return vae.elbo(x)


def _annealed(annealing_steps, first, count):
    """Returns beta_t for `count` steps from `first` on."""
    if annealing_steps == 0:
        return np.ones([count])
    return np.minimum(1.0, 0.01 + np.arange(first, first + count) / annealing_steps)


def binarized(data, seed, dtype):
    """Returns uint8 `data` as zeros and ones drawn with the pixels' probabilities, else as is."""
    if data.dtype != np.uint8:
        return data
    uniform = np.random.default_rng([seed, 2]).random(data.shape)
    return (255.0 * uniform < data).astype(dtype.as_numpy_dtype)


def dequantized(data, seed, dtype):
    """Returns uint8 `data` with uniform noise, the same for the same `seed`; other data as is."""
    if data.dtype != np.uint8:
        return data
    return _noise.with_noise(data, np.random.default_rng([seed, 1]), dtype.as_numpy_dtype)


def digest(array):
    """Returns a fingerprint of an array's dtype, shape and bytes."""
    array = np.ascontiguousarray(array)
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()
