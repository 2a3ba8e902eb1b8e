"""Densities of any number of points, and boxes that hold them."""

import functools
import weakref

import numpy as np
import tensorflow as tf

from normflows_tut import _checks
from normflows_tut.flows import ConditionalFlow
from normflows_tut.targets import Energy

# What one compiled call gets: so many points, or fewer if they are large, as images are.
_POINTS, _NUMBERS = 5_000, 2**17

_compiled = weakref.WeakKeyDictionary()


def chunk_size(event_shape):
    """Returns the number of points per compiled call.

    One fixed shape means one trace; the last chunk is padded.
    """
    return max(1, min(_POINTS, _NUMBERS // max(1, int(np.prod(event_shape)))))


def compiled_call(distribution, method):
    """Returns a compiled `method(distribution, x)`, kept for as long as the distribution lives.

    Variables are read at every call, so the numbers follow the training. Inside one
    traced call TFP's cache cannot outlive the values it was filled with.
    """
    calls = _compiled.setdefault(distribution, {})
    if method not in calls:
        alive = weakref.ref(distribution)  # A strong reference would keep the key alive.
        # TensorFlow counts traces per code object and would warn of "excessive retracing"
        # after five distributions; a partial is counted by itself.
        call = functools.partial(_call_while_alive, method, alive)
        calls[method] = tf.function(call, reduce_retracing=True)
    return calls[method]


def _call_while_alive(method, alive, x):
    return method(alive(), x)


def _log_prob(distribution, x):
    return distribution.log_prob(x)


def log_density(target, x, *, compiled=True):
    """Evaluates a log-density on any number of points, compiled and in chunks.

    Args:
      target: A `tfd.Distribution` with one event per row of `x`, or a callable that
        takes an array [m, ...event] and returns the [m] log-densities, normalised
        or not.
      x: Array [n, ...event].
      compiled: Whether the distribution's `log_prob` is compiled. A compiled chunk is
        some twenty times faster, but compiling takes as long as about ten eager ones:
        not worth it for a distribution that is asked once.

    Returns:
      Array [n] in float64, in nats.

    Raises:
      ValueError: A log-density is NaN; the message names the first such point. Or the rows
        of `x` are no events of `target`, or `target` is neither of the two; of a `ConditionalFlow`
        give `flow(context)`.

    Example:
      >>> log_density(tfd.Normal(0.0, 1.0), [0.0])
      array([-0.91893852])
    """
    x = np.asarray(x)
    _check_target(target, x)
    size = chunk_size(x.shape[1:])
    chunks = [x[i : i + size] for i in range(0, len(x), size)]
    values = [_log_density_of_chunk(target, chunk, compiled) for chunk in chunks]
    values = np.concatenate([*values, np.empty(0)])
    _checks.refuse_rows(x, np.isnan(values), f"the log-density of {_name(target)} must not be NaN")
    return values


def refuse_without_context(target):
    """Raises a ValueError if `target` is a `ConditionalFlow`, which has a density at a context."""
    if isinstance(target, ConditionalFlow):
        raise ValueError(
            f"{target.name} is a ConditionalFlow, with a density for every context: give "
            f"flow(context), where context holds {target.context_size} numbers."
        )


def _check_target(target, x):
    refuse_without_context(target)
    if isinstance(target, Energy):
        raise ValueError(
            f"{target!r} is an energy, minus a log-density: give lambda z: -energy(z) instead."
        )
    if not (hasattr(target, "log_prob") or callable(target)):
        raise ValueError(f"a distribution or a log-density is needed, got {target!r}.")
    if x.ndim == 0:
        raise ValueError(f"x must have an axis over points, got {x.tolist()!r}.")
    # A compiled call would broadcast a width of 1 in silence.
    event_shape = getattr(target, "event_shape", None)
    if event_shape is not None and x.size and not event_shape.is_compatible_with(x.shape[1:]):
        raise ValueError(
            f"{_name(target)} has event shape {event_shape.as_list()}, but x holds points of "
            f"shape {list(x.shape[1:])}."
        )
    batch_shape = getattr(target, "batch_shape", tf.TensorShape([]))
    if batch_shape.num_elements() not in (None, 1):
        raise ValueError(
            f"{_name(target)} has batch shape {batch_shape}, and every point would have several "
            "log-densities. If each point has a context of its own, ask log_prob itself."
        )


def _log_density_of_chunk(target, x, compiled):
    if not hasattr(target, "log_prob"):
        # A function may close over anything, so nothing of it is compiled or kept.
        values = np.asarray(target(x), np.float64)
        if values.shape != x.shape[:1]:
            raise ValueError(
                f"{_name(target)} must return shape {[len(x)]}, got {list(values.shape)}."
            )
        return values
    size, log_prob = len(x), target.log_prob
    if compiled:
        size, log_prob = chunk_size(x.shape[1:]), compiled_call(target, _log_prob)
    padding = [(0, size - len(x))] + [(0, 0)] * (x.ndim - 1)
    values = log_prob(tf.constant(np.pad(x, padding, mode="edge"), target.dtype))
    if values.shape != [size]:
        raise ValueError(
            f"{_name(target)} has batch shape {target.batch_shape} and event shape "
            f"{target.event_shape}: points of shape {list(x.shape[1:])} do not give one "
            "log-density each."
        )
    return values.numpy().astype(np.float64)[: len(x)]


def target_samples(target, num_samples, seed):
    """Returns an array [num_samples, ...event] of samples, the same for the same `seed`."""
    refuse_without_context(target)
    if not hasattr(target, "sample"):
        raise ValueError(f"a distribution with `sample` is needed, got {target!r}.")
    seed = _checks.seed_number(seed)
    return target.sample(num_samples, seed=tf.constant([seed, 0], tf.int32)).numpy()


def _name(target):
    return getattr(target, "name", None) or getattr(target, "__name__", type(target).__name__)


def default_bounds(distribution, num_samples=10_000, seed=0):
    """Returns a box [d, 2] that holds all but a negligible part of a distribution.

    Its own `bounds` if it has some; otherwise the central 99.8% of samples in every
    coordinate, widened by half its width to either side: 6.2 standard deviations to
    either side for a Gaussian.

    Raises:
      ValueError: It is a function, which has neither bounds nor samples.
    """
    refuse_without_context(distribution)
    bounds = getattr(distribution, "bounds", None)
    if bounds is None:
        if not hasattr(distribution, "sample"):
            raise ValueError(f"bounds must be given for the function {_name(distribution)}.")
        x = target_samples(distribution, num_samples, seed).reshape(num_samples, -1)
        low, high = np.quantile(x.astype(np.float64), [0.001, 0.999], axis=0)
        bounds = np.stack([low - (high - low) / 2, high + (high - low) / 2], axis=1)
    return check_bounds(bounds)


def check_bounds(bounds):
    """Returns `bounds` as an array [d, 2] with d = 1 or 2, or raises a ValueError."""
    array = np.asarray(bounds, np.float64)
    array = array[None] if array.shape == (2,) else array
    if array.shape not in [(1, 2), (2, 2)]:
        raise ValueError(f"bounds must be (x0, x1) or ((x0, x1), (y0, y1)), got {bounds!r}.")
    if not (np.isfinite(array).all() and (array[:, 0] < array[:, 1]).all()):
        raise ValueError(f"bounds must be finite and rise from low to high, got {bounds!r}.")
    return array
