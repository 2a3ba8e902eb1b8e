"""Bits per dimension: how well a density compresses whole numbers."""

import numpy as np

from normflows_tut import _checks, _noise
from normflows_tut.evaluation.density import log_density
from normflows_tut.evaluation.divergence import estimate


def bits_per_dim(flow, images, *, num_draws=1, seed=0):
    """Estimates how many bits a number of an image takes, at most.

    ```none
    bits per dimension = -1 / (d log 2)  mean over images of  E_u[log p(x + u)]
    ```

    with u uniform on [0, 1)^d and p the density of `flow` in units of the whole numbers x. Since
    log P(x) = log E_u[p(x + u)] is at least E_u[log p(x + u)], the bits for P(x) are no more. The
    log-determinants of a `pixel_range` or a `Dequantization` are inside p, if the flow has them on
    its data side. For numbers in [0, 1] that were divided by 256, the result would be 8 too small.

    Args:
      flow: A distribution on events of the images' shape, in units of whole numbers.
      images: Whole numbers from 0 to 255, an array `[n, ...event]` of uint8.
      num_draws: How many u are drawn for each image.
      seed: Non-negative int, for u.

    Returns:
      An `Estimate`; its standard error is that of the mean over the images.

    Raises:
      ValueError: `images` are not uint8, fewer than two, or of another shape than the events.

    Reference:
      Theis, van den Oord & Bethge (2016), A Note on the Evaluation of Generative Models, section
      3.1; Papamakarios et al. (2017), Masked Autoregressive Flow for Density Estimation, equation
      29, for the conversion from logits.

    Example:
      >>> uniform = tfd.Independent(tfd.Uniform(tf.zeros([4]), 256.0), 1)
      >>> round(bits_per_dim(uniform, np.zeros([10, 4], np.uint8)).value, 6)
      8.0
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8, got {images.dtype}.")
    images = _checks.event_array(images, flow.event_shape, name="images")
    if len(images) < 2:
        raise ValueError("images must be at least 2 for a standard error, got 1.")
    generator = _checks.random_generator(seed)
    dtype = flow.dtype.as_numpy_dtype
    total = np.zeros(len(images))
    for _ in range(_checks.positive_int("num_draws", num_draws)):
        total += log_density(flow, _noise.with_noise(images, generator, dtype))
    return estimate(-total / num_draws / (np.prod(images.shape[1:]) * np.log(2)))
