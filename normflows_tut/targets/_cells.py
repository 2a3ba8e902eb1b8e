"""Densities that are constant on each cell of a grid: uniform, checkerboard, pictures."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.targets._base import Target

# Cell masses are whole multiples of 2^-53, the resolution of the float64 they come from.
_BITS = 53


class Cells(Target):
    """A density that is constant on each cell of a rectangular grid.

        p(x) = w_ij / (sum of w * area of a cell)  for x in cell i, j

    A cell is drawn by binary search in the cumulative weights, whole numbers of 53 bits:
    log2(cells) gathers a point, in compiled code too, with no cell's probability off by more
    than 2^-53. The entropy is the closed form -sum p_ij log(p_ij / area).
    """

    def __init__(self, weights, bounds, dtype=tf.float32, name="Cells", parameters=None):
        """Normalizes the weights.

        Args:
          weights: Array [rows, columns] of numbers that are not negative and not all zero;
            row 0 is the lowest y, column 0 the lowest x.
          bounds: ((x0, x1), (y0, y1)) of the whole grid.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
          parameters: The arguments of a subclass, or None.
        """
        parameters = dict(locals()) if parameters is None else parameters
        super().__init__(bounds, dtype=dtype, parameters=parameters, name=name)
        weights = np.asarray(weights, np.float64)
        self._shape = weights.shape
        low, high = np.array(self.bounds).T
        size = (high - low) / weights.shape[::-1]
        area = size.prod()
        mass = weights.ravel() / weights.sum()
        positive = mass[mass > 0]
        with np.errstate(divide="ignore"):  # the density of an empty cell is exp(-inf)
            log_density = np.log(mass / area)
        self._entropy_value = float(-(positive * np.log(positive / area)).sum())

        cumulative = np.cumsum(weights.ravel())
        cumulative = np.round(cumulative / cumulative[-1] * 2.0**_BITS).astype(np.int64)
        self._rounds = max(1, int(np.ceil(np.log2(weights.size))))
        padding = 2**self._rounds - weights.size
        self._cumulative = tf.constant(np.pad(cumulative, (0, padding), mode="edge"))
        self._log_densities = tf.constant(log_density, self.dtype)
        self._low, self._high = tf.constant(low, self.dtype), tf.constant(high, self.dtype)
        self._size = tf.constant(size, self.dtype)
        # A point is kept off the rim of its cell by the rounding of its coordinates, or it
        # could land in an empty neighbour and be given a density of 0.
        rounding = np.finfo(self.dtype.as_numpy_dtype).eps * np.abs([low, high]).max(axis=0)
        self._rim = tf.constant(np.minimum(2 * rounding / size, 0.25), self.dtype)

    def _sample_n(self, n, seed=None):
        which, place = tfp.random.split_seed(seed, 2)
        bits = tf.random.stateless_uniform(
            [n], seed=which, minval=None, maxval=None, dtype=tf.int64
        )
        cell = self._find(tf.bitwise.bitwise_and(bits, tf.constant(2**_BITS - 1, tf.int64)))
        columns = self._shape[1]
        corner = tf.cast(tf.stack([cell % columns, cell // columns], axis=-1), self.dtype)
        unit = tf.random.stateless_uniform([n, 2], seed=place, dtype=self.dtype)
        return self._low + (corner + self._rim + (1 - 2 * self._rim) * unit) * self._size

    def _find(self, number):
        """Index [n] of the first cell whose cumulative weight exceeds `number` [n]."""
        cell = tf.zeros_like(number, tf.int32)
        for step in 2 ** np.arange(self._rounds)[::-1]:
            below = tf.gather(self._cumulative, cell + (int(step) - 1)) <= number
            cell += int(step) * tf.cast(below, tf.int32)
        return cell

    def _log_density(self, points):
        inside = tf.reduce_all((points >= self._low) & (points <= self._high), axis=-1)
        last = tf.constant(self._shape[::-1], self.dtype) - 1
        # The upper rim of the grid belongs to the last cell.
        cell = tf.clip_by_value(tf.floor((points - self._low) / self._size), 0.0, last)
        column, row = tf.unstack(tf.cast(cell, tf.int32), axis=-1)
        log_density = tf.gather(self._log_densities, row * self._shape[1] + column)
        log_density = tf.where(inside, log_density, tf.constant(-np.inf, self.dtype))
        # The gradient is 0, not missing.
        return log_density + tf.reduce_sum(0 * points, axis=-1)

    def _entropy(self):
        return tf.constant(self._entropy_value, self.dtype)
