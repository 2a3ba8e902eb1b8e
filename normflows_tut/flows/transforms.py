"""What a layer does to one coordinate: how many parameters it takes, and the bijector."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int
from normflows_tut.bijectors import BoundedAffine, DeepSigmoid, RationalQuadraticSpline

tfb = tfp.bijectors


def affine(log_scale_bound):
    """Returns the number of parameters of an affine transform, and its constructor."""
    return _checked(2, functools.partial(BoundedAffine, log_scale_bound=log_scale_bound))


def spline(num_bins, *, bound, min_bin_size, min_slope):
    """Returns the number of parameters of a spline from data to base, and its constructor.

    Turned round like this a density takes the spline's formula and a sample its root, and flows
    ended closer to a target in the plane in equally many steps: benchmarks/spline_direction.py.
    """
    count = 3 * positive_int("num_bins", num_bins) - 1

    def transform(raw):
        return tfb.Invert(
            RationalQuadraticSpline(
                raw, bound=bound, min_bin_size=min_bin_size, min_slope=min_slope
            )
        )

    return _checked(count, transform)


def deep_sigmoid(num_sigmoids):
    """Returns the number of parameters of a deep sigmoidal transform, and its constructor."""
    return 3 * positive_int("num_sigmoids", num_sigmoids), DeepSigmoid


def _checked(count, transform):
    # Made once: a limit out of its range is refused here, not in the first step of a training.
    transform(tf.zeros([count, 1]))
    return count, transform
