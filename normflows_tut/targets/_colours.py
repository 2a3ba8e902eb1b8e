"""The colours of a picture as a density in the unit cube."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import _images
from normflows_tut._checks import float_dtype, positive_int

tfd = tfp.distributions


class Colours(tfd.Distribution):
    """A density that is constant on each small cube of colours. Made by `from_colours`.

    Attributes:
      bounds: ((0, 1), (0, 1), (0, 1)).
    """

    bounds = ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))

    def __init__(self, counts, dtype=tf.float32, name="colours"):
        """Takes how many pixels there are in each small cube.

        Args:
          counts: Whole numbers [n, n, n], by red, green and blue; not all 0.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        dtype = float_dtype(dtype)
        counts = np.asarray(counts)
        self._side = len(counts)
        mass = counts.ravel() / counts.sum()
        volume = self._side**-3
        positive = mass[mass > 0]
        self._entropy_value = -np.sum(positive * np.log(positive / volume))
        with np.errstate(divide="ignore"):  # the density of an empty cube is exp(-inf)
            self._log_densities = tf.constant(np.log(mass / volume), dtype)
        self._cell_of_pixel = tf.constant(np.repeat(np.arange(mass.size), counts.ravel()), tf.int32)
        super().__init__(
            dtype=dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _sample_n(self, n, seed=None):
        which, place = tfp.random.split_seed(seed, 2)
        # 64 bits, so that no pixel is favoured by more than a part in 10^12.
        count = tf.size(self._cell_of_pixel, tf.int64)
        pixel = tf.random.stateless_uniform([n], which, minval=0, maxval=count, dtype=tf.int64)
        cell = tf.gather(self._cell_of_pixel, pixel)
        red_green, blue = cell // self._side, cell % self._side
        corner = tf.stack([red_green // self._side, red_green % self._side, blue], axis=-1)
        # Away from the rim, where rounding could lead into an empty neighbour.
        unit = tf.random.stateless_uniform([n, 3], seed=place, dtype=self.dtype)
        rim = 4 * self._side * np.finfo(self.dtype.as_numpy_dtype).eps
        return (tf.cast(corner, self.dtype) + rim + (1 - 2 * rim) * unit) / self._side

    def _log_prob(self, x):
        x = tf.cast(x, self.dtype)
        inside = tf.reduce_all((x >= 0) & (x <= 1), axis=-1)
        corner = tf.clip_by_value(tf.floor(x * self._side), 0, self._side - 1)
        red, green, blue = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
        cell = (red * self._side + green) * self._side + blue
        log_density = tf.gather(self._log_densities, cell)
        return tf.where(inside, log_density, tf.constant(-np.inf, self.dtype))

    def _entropy(self):
        return tf.constant(self._entropy_value, self.dtype)

    def _event_shape(self):
        return tf.TensorShape([3])

    def _event_shape_tensor(self):
        return tf.constant([3], tf.int32)

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self, **parameter_kwargs):
        return tf.constant([], tf.int32)


def from_colours(image, *, bits=5, dtype=tf.float32):
    """Makes a density of a picture's colours.

        p(x) = 2^(3 bits) (share of the pixels in the cube of x)

    The unit cube of red, green and blue is divided into 2^(3 bits) small cubes, which is as if
    only the first `bits` of every number had been kept, and the rest were uniform noise.

    Args:
      image: The path of a picture, or an array [height, width, 3] of uint8.
      bits: From 1 to 8.
      dtype: tf.float32 or tf.float64.

    Returns:
      A distribution on events [3] with exact `log_prob` and `entropy()`.

    Raises:
      ValueError: There is no such picture, or `bits` is out of its range.

    Example:
      >>> black = from_colours(np.zeros([4, 4, 3], np.uint8))
      >>> round(float(black.log_prob([0.0, 0.0, 0.0])), 4)  # 15 log 2
      10.3972
    """
    if positive_int("bits", bits) > 8:
        raise ValueError(f"bits must be at most 8, got {bits}.")
    corners = _images.read_colours(image).reshape(-1, 3) >> (8 - bits)
    side = 2**bits
    cells = np.ravel_multi_index(tuple(corners.T.astype(np.int64)), [side] * 3)
    counts = np.bincount(cells, minlength=side**3).reshape([side] * 3)
    return Colours(counts, dtype)
