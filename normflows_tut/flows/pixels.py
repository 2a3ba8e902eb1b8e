"""What stands between a flow on real numbers and the whole numbers of pixels."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import non_negative_float, positive_int
from normflows_tut.bijectors import Dequantization, RationalQuadraticSpline
from normflows_tut.networks import Embedding

tfb = tfp.bijectors


def pixel_range(alpha=0.05, num_values=256, *, dtype=tf.float32):
    """Returns the bijector from real numbers to the range of pixels: the logit's inverse.

    ```none
    forward(v) = num_values (sigmoid(v) - alpha) / (1 - 2 alpha)
    inverse(y) = logit(alpha + (1 - 2 alpha) y / num_values)
    ```

    The pixels [0, num_values] have the finite range +- logit(1 - alpha), where alpha > 0 keeps
    black and white from infinity. It is a `tfb.Sigmoid` with other ends.

    Args:
      alpha: A number of at least 0 and below 1/2.
      num_values: Number of values of a pixel.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfb.Sigmoid`.

    Raises:
      ValueError: A number is out of its range.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation Using Real NVP, section 4.1, where
      alpha is 0.05 and, as in other papers, stands on one side alone.

    Example:
      >>> pixel_range().forward(0.0).numpy().item()
      128.0
    """
    if not non_negative_float("alpha", alpha) < 0.5:
        raise ValueError(f"alpha must be at least 0 and below 1/2, got {alpha!r}.")
    n = positive_int("num_values", num_values)
    low = -n * alpha / (1 - 2 * alpha)
    return tfb.Sigmoid(low=tf.constant(low, dtype), high=tf.constant(n - low, dtype))


def dequantization(num_channels=1, num_bins=8, num_values=256, *, dtype=tf.float32):
    """Returns a `Dequantization` whose noise is learned, for each value of a pixel by itself.

    A spline on [0, 1) for every channel and value bends the noise. It starts uniform. Put it on
    the data side of everything: `append(flow, pixel_range(), dequantization())`.

    Args:
      num_channels: Number of channels of the images.
      num_bins: Number of bins of every spline.
      num_values: Number of values of a pixel.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `bijectors.Dequantization`.

    Raises:
      ValueError: A count is below 1.

    Reference:
      Ho, Chen, Srinivas, Duan & Abbeel (2019), Flow++, section 3.1, where the noise depends on
      the whole image, by a flow of its own.
    """
    transform = functools.partial(RationalQuadraticSpline, bound=0.5)
    table = Embedding(num_values, 3 * positive_int("num_bins", num_bins) - 1, dtype=dtype)
    return Dequantization(num_channels, table, transform, dtype=dtype)
