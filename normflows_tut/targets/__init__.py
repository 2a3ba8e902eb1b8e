"""Known densities on the plane: what the flows of the book learn.

Every target has `sample` **and an exact** `log_prob`, in closed form or by quadrature, so
that every KL is absolute. Scales are those of the two-dimensional data sets that came with
FFJORD, but angles and positions on curves are drawn independently, where the original spaces
them evenly, and samples really are independent.

Reference:
  Grathwohl, Chen, Bettencourt, Sutskever and Duvenaud (2019), FFJORD: Free-form Continuous
  Dynamics for Scalable Reversible Generative Models, and its `lib/toy_data.py`.

Example:
  >>> moons = make("moons")
  >>> points = moons.sample(1000, seed=[0, 0])  # [1000, 2]
  >>> entropy = -tf.reduce_mean(moons.log_prob(points))
"""

import numpy as np
import tensorflow as tf

from normflows_tut.targets._base import Target
from normflows_tut.targets._cells import Cells
from normflows_tut.targets._closed_form import Banana, Gaussians, Pinwheel, Rings
from normflows_tut.targets._colours import Colours, from_colours
from normflows_tut.targets._curves import Line, NoisyCurve, Spirals
from normflows_tut.targets._energies import Energy, energy
from normflows_tut.targets._pictures import Picture, from_image

__all__ = [
    "Colours",
    "Energy",
    "Picture",
    "Target",
    "energy",
    "from_colours",
    "from_image",
    "make",
    "names",
]

_SQUARE = ((-4.0, 4.0), (-4.0, 4.0))


def _roll(t):
    return t[:, tf.newaxis] * tf.stack([tf.cos(t), tf.sin(t)], axis=-1) / 5


def _moons(t):
    upper = t < np.pi
    x = 2 * tf.cos(t) + tf.where(upper, tf.constant(-1, t.dtype), tf.constant(1, t.dtype))
    y = 2 * tf.sin(t) + tf.where(upper, tf.constant(-0.2, t.dtype), tf.constant(0.8, t.dtype))
    return tf.stack([x, y], axis=-1)


def _wave(t):
    return tf.stack([t, 2.5 * tf.sin(t)], axis=-1)


def _swissroll(dtype):
    # 17.8 long, noise 0.2: at most 0.15 between nodes.
    return NoisyCurve(_roll, (1.5 * np.pi, 4.5 * np.pi), 0.2, 256, dtype, "swissroll")


def _two_moons(dtype):
    # Each 6.3 long, noise 0.2: at most 0.15 between nodes.
    return NoisyCurve(_moons, (0.0, np.pi, 2 * np.pi), 0.2, 64, dtype, "moons")


def _cos(dtype):
    # Steps of up to 2.7 for 1 in t, noise 0.1: at most 0.08 between nodes.
    return NoisyCurve(_wave, (-2.5, 2.5), 0.1, 256, dtype, "cos")


def _gaussians(num_components, dtype):
    angles = 2 * np.pi / num_components * np.arange(num_components)
    centres = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    # FFJORD divides by 1.414, not by the square root of 2.
    return Gaussians(centres / 1.414, 0.5 / 1.414, dtype, f"gaussians{num_components}")


_TARGETS = {
    "swissroll": _swissroll,
    "circles": lambda dtype: Rings((3.0, 1.5), 0.24, dtype, "circles"),
    "rings": lambda dtype: Rings((3.0, 2.25, 1.5, 0.75), 0.08, dtype, "rings"),
    "moons": _two_moons,
    "4gaussians": lambda dtype: _gaussians(4, dtype),
    "8gaussians": lambda dtype: _gaussians(8, dtype),
    "pinwheel": lambda dtype: Pinwheel(dtype),
    "2spirals": lambda dtype: Spirals(dtype=dtype),
    # The square in the lower left corner is filled.
    "checkerboard": lambda dtype: Cells(
        1 - np.indices((4, 4)).sum(axis=0) % 2, _SQUARE, dtype, "checkerboard"
    ),
    "line": lambda dtype: Line(dtype=dtype),
    "cos": _cos,
    "banana": lambda dtype: Banana(dtype),
    "uniform": lambda dtype: Cells(np.ones((1, 1)), _SQUARE, dtype, "uniform"),
}


def names():
    """Returns the names that `make` knows.

    Example:
      >>> "moons" in names()
      True
    """
    return tuple(_TARGETS)


def make(name, dtype=tf.float32):
    """Makes the target `name`.

    ============  ==========================================================================
    swissroll     (t cos t, t sin t) / 5, t uniform on [1.5 pi, 4.5 pi]; noise 0.2
    circles       circles of radius 3 and 1.5; noise 0.24
    rings         circles of radius 3, 2.25, 1.5 and 0.75; noise 0.08
    moons         two interleaved half circles of radius 2; noise 0.2
    4gaussians    centres on the axes at 4 / 1.414, standard deviation 0.5 / 1.414
    8gaussians    the same with centres every 45 degrees
    pinwheel      five Gaussian blades twisted by their radius (the usual one, twisted by
                  its first feature, folds over itself)
    2spirals      two arms (-n cos n, n sin n) / 3, n up to 3 pi; a box of 1/6, noise 0.1
    checkerboard  uniform on every other of the 16 squares of [-4, 4]^2
    line          y = x for x uniform on [-2.5, 2.5]; noise 0.1
    cos           y = 2.5 sin x for x uniform on [-2.5, 2.5]; noise 0.1
    banana        x_2 ~ N(0, 4^2), x_1 given x_2 ~ N(x_2^2 / 4, 1)
    uniform       uniform on [-4, 4]^2
    ============  ==========================================================================

    Noise is isotropic and Gaussian, given by its standard deviation. `log_prob` takes points
    [..., 2] and is exact to 1e-5 in float64 and to 1e-4 in float32 wherever samples fall; it
    is -inf outside the support.

    Args:
      name: One of `names()`.
      dtype: tf.float32 or tf.float64.

    Returns:
      A distribution with event shape [2] and the attribute `bounds`. `entropy()` is there
      where it has a closed form: uniform, checkerboard, banana.

    Raises:
      ValueError: The name or the dtype is unknown.

    Example:
      >>> round(float(make("uniform").log_prob([0.0, 0.0])), 4)  # -log 64
      -4.1589
    """
    if name not in _TARGETS:
        raise ValueError(f"unknown target {name!r}; the known ones are {', '.join(_TARGETS)}.")
    return _TARGETS[name](dtype)
