"""Checks shared by the rooms: every refusal names the value it refuses."""

import operator

import numpy as np
import tensorflow as tf


def positive_int(name, value):
    """Returns `value` as an int of at least 1, or raises a ValueError that names it."""
    number = _whole(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}.")
    return number


def non_negative_int(name, value):
    """Returns `value` as an int of at least 0, or raises a ValueError that names it."""
    number = _whole(name, value)
    if number < 0:
        raise ValueError(f"{name} must not be negative, got {number}.")
    return number


def positive_ints(name, values):
    """Returns `values` as a tuple of ints of at least 1, or raises a ValueError that names it."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ValueError(f"{name} must be a sequence of whole numbers, got {values!r}.")
    return tuple(positive_int(f"each of {name}", value) for value in values)


def seed_number(seed):
    """Returns `seed` as an int that TensorFlow's stateless samplers take."""
    seed = non_negative_int("seed", seed)
    if seed >= 2**31:
        raise ValueError(f"seed must be below 2^31, got {seed}.")
    return seed


def random_generator(seed):
    """Returns NumPy's generator of `seed`, a non-negative int or a sequence of them.

    Raises:
      ValueError: `seed` is anything else; the message names it.
    """
    try:
        if seed is None:  # to NumPy a different seed every time
            raise TypeError
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(
            f"seed must be a non-negative int or a sequence of them, got {seed!r}."
        ) from None


def float_dtype(dtype):
    """Returns `dtype` as tf.float32 or tf.float64, or raises a ValueError that names it."""
    try:
        found = tf.as_dtype(dtype)
    except TypeError:
        found = None
    if found not in (tf.float32, tf.float64):
        raise ValueError(f"dtype must be tf.float32 or tf.float64, got {dtype!r}.")
    return found


def positive_float(name, value):
    """Returns `value` as a finite float above 0, or raises a ValueError that names it."""
    number = _float(name, value)
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be finite and above 0, got {value!r}.")
    return number


def non_negative_float(name, value):
    """Returns `value` as a finite float of at least 0, or raises a ValueError that names it."""
    number = _float(name, value)
    if not (np.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be finite and at least 0, got {value!r}.")
    return number


def data_array(data, event_size=None, *, dtype=np.float32, name="data"):
    """Returns `data` as a finite, non-empty array [n, d] of `dtype`.

    Args:
      data: Array-like [n, d].
      event_size: The d that is expected, or None for any.
      dtype: NumPy dtype of the result.
      name: What the message calls the array.

    Raises:
      ValueError: The array is empty, has another rank or width, or holds a NaN or
        an infinity; the message names the first such row, counted from 0.
    """
    array = _numbers(data, dtype, name)
    if array.ndim != 2:
        hint = f" For one number a row: {name}[:, None]." if array.ndim == 1 else ""
        raise ValueError(f"{name} must have shape [n, d], got shape {list(array.shape)}.{hint}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: shape {list(array.shape)}.")
    if event_size is not None and array.shape[1] != event_size:
        raise ValueError(f"{name} must have {event_size} columns, got {array.shape[1]}.")
    refuse_rows(array, ~np.isfinite(array).all(axis=1), f"{name} must be finite")
    return array


def _numbers(data, dtype, name):
    if isinstance(data, np.ma.MaskedArray) and dtype != np.uint8:
        data = data.astype(dtype).filled(np.nan)  # what is masked is missing, not what lies below
    try:
        array = np.asarray(data)
        if np.iscomplexobj(array):  # which a cast would cut to its real part
            raise TypeError(f"got {array.dtype}.")
        return array.astype(dtype, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of numbers: {error}") from None


def _is_whole(data):
    """Whether these are uint8, and none is missing: an array, or a list of arrays."""
    if isinstance(data, list | tuple):
        return bool(data) and all(_is_whole(each) for each in data)
    return getattr(data, "dtype", None) == np.uint8 and not np.ma.is_masked(data)


def event_array(data, event_shape, *, dtype=np.float32, name="data"):
    """Returns `data` as a finite, non-empty array `[n, ...event_shape]`.

    uint8, which is always finite, stays what it is; all else becomes an array of `dtype`.

    Args:
      data: Array-like.
      event_shape: Shape of one event, of one or three axes.
      dtype: NumPy dtype of the result, unless the data are uint8.
      name: What the message calls the array.

    Raises:
      ValueError: The array is empty or of another shape, or holds a NaN or an infinity.
    """
    shape, whole = list(event_shape), _is_whole(data)
    dtype = np.uint8 if whole else dtype
    if len(shape) == 1:
        return data_array(data, shape[0], dtype=dtype, name=name)
    array = _numbers(data, dtype, name)
    if array.ndim != 1 + len(shape) or list(array.shape[1:]) != shape:
        raise ValueError(f"{name} must have shape {['n', *shape]}, got {list(array.shape)}.")
    if array.size == 0:
        raise ValueError(f"{name} is empty: shape {list(array.shape)}.")
    if not whole and not np.isfinite(array).all():
        first = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise ValueError(f"{name} must be finite, but at {first} there is {array[tuple(first)]}.")
    return array


def refuse_rows(array, bad, what):
    """Raises a ValueError, `what` and the first bad row, unless no row is `bad` `[n]`."""
    if np.any(bad):
        row = int(np.argmax(bad))
        raise ValueError(
            f"{what}: row {row} (counted from 0) is {array[row].tolist()}; "
            f"{int(np.sum(bad))} of {len(array)} rows are refused."
        )


def _whole(name, value):
    try:
        if isinstance(value, bool | np.bool_):  # to Python the numbers 0 and 1
            raise TypeError
        return operator.index(value)
    except (AttributeError, TypeError):  # the former of tensors that hold something else
        raise ValueError(f"{name} must be a whole number, got {value!r}.") from None


def _float(name, value):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}.") from None
