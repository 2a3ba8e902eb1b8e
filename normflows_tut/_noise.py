"""The noise that whole numbers get before they have a density."""

import numpy as np
import tensorflow as tf

# u = (k + 1/2) / 2^15: beside 255 a float32 has 16 bits after the point. Noise of more bits would
# be rounded there, at worst up to the next whole number; and 0 may be an edge of the density.
_CELLS = 2**15


def with_noise(numbers, generator, dtype=np.float32):
    """Returns uint8 `numbers` + u, u uniform in (0, 1); floor gives them back."""
    cell = generator.integers(_CELLS, size=np.shape(numbers), dtype=np.uint16)
    return numbers + (cell.astype(dtype) + dtype(0.5)) / dtype(_CELLS)


def with_stateless_noise(numbers, seed):
    """The same in a graph: `numbers`, 0 to 255, are a floating-point tensor, `seed` two ints."""
    cell = tf.random.stateless_uniform(
        tf.shape(numbers), seed, minval=0, maxval=_CELLS, dtype=tf.int32
    )
    return numbers + (tf.cast(cell, numbers.dtype) + 0.5) / _CELLS
