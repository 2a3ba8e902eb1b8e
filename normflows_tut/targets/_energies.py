"""The four energies of Rezende and Mohamed (2015), for variational fits."""

import numpy as np
import tensorflow as tf

from normflows_tut import _checks
from normflows_tut.targets._base import gauss_legendre, safe_norm

_WALL_SCALE = 0.4


def _w1(z1):
    return tf.sin(np.pi * z1 / 2)  # 2 pi z1 / 4


def _w2(z1):
    return 3 * tf.exp(-(((z1 - 1) / 0.6) ** 2) / 2)


def _w3(z1):
    return 3 * tf.sigmoid((z1 - 1) / 0.3)


def _soft_minimum(*energies):
    """-log(sum of exp(-energy)), without underflow."""
    return -tf.reduce_logsumexp(-tf.stack(energies), axis=0)


def _spring(distance, scale):
    return (distance / scale) ** 2 / 2


def _u1(z):
    z1 = z[..., 0]
    return _spring(safe_norm(z) - 2, 0.4) + _soft_minimum(
        _spring(z1 - 2, 0.6), _spring(z1 + 2, 0.6)
    )


def _u2(z):
    return _spring(z[..., 1] - _w1(z[..., 0]), 0.4)


def _u3(z):
    z1, z2 = z[..., 0], z[..., 1]
    return _soft_minimum(
        _spring(z2 - _w1(z1), 0.35),
        _spring(z2 - _w1(z1) + _w2(z1), 0.35),
    )


def _u4(z):
    z1, z2 = z[..., 0], z[..., 1]
    return _soft_minimum(
        _spring(z2 - _w1(z1), 0.4),
        _spring(z2 - _w1(z1) + _w3(z1), 0.35),
    )


# The formula, and the integral of exp(-U) over z2, which for U2 to U4 is the same at every z1.
_ENERGIES = {
    "U1": (_u1, None),
    "U2": (_u2, np.sqrt(2 * np.pi) * 0.4),
    "U3": (_u3, np.sqrt(2 * np.pi) * (0.35 + 0.35)),
    "U4": (_u4, np.sqrt(2 * np.pi) * (0.4 + 0.35)),
}


class Energy:
    """A function z [..., 2] -> U(z) [...]; the unnormalised log density is -U.

    Attributes:
      name: 'U1', 'U2', 'U3' or 'U4'.
      wall: Where the wall begins, or None.
      bounds: ((-4, 4), (-4, 4)), the window of the paper's figure 3.
      log_normalizer: log of the integral of exp(-U) over the plane; infinite where that
        diverges. Minus it is the lowest value that E_q[U + log q] can reach.
    """

    bounds = ((-4.0, 4.0), (-4.0, 4.0))

    def __init__(self, name, wall=None):
        """See `energy`, which makes these."""
        if name not in _ENERGIES:
            raise ValueError(f"unknown energy {name!r}; the known ones are {', '.join(_ENERGIES)}.")
        self.name = name
        self.wall = None if wall is None else _checks.positive_float("wall", wall)
        self._formula, strip = _ENERGIES[name]
        if strip is None:
            self.log_normalizer = self._integrate()
        elif self.wall is None:
            self.log_normalizer = np.inf
        else:
            width = 2 * self.wall + np.sqrt(2 * np.pi) * _WALL_SCALE
            self.log_normalizer = float(np.log(width * strip))

    def __call__(self, z):
        """U at `z` [..., 2], in the dtype of `z`; whole numbers count as float32."""
        z = tf.convert_to_tensor(z)
        z = z if z.dtype.is_floating else tf.cast(z, tf.float32)
        if z.shape.rank == 0 or z.shape[-1] not in (2, None):
            raise ValueError(f"points must have shape [..., 2], got {z.shape.as_list()}.")
        energy = self._formula(z)
        if self.wall is not None:
            energy += _spring(tf.nn.relu(tf.abs(z[..., 0]) - self.wall), _WALL_SCALE)
        return energy

    def __repr__(self):
        return f"Energy({self.name!r}, wall={self.wall})"

    def _integrate(self):
        # exp(-U1) has nothing narrower than 0.3 and is below exp(-100) outside this square.
        with tf.init_scope():
            nodes, weights = gauss_legendre(-8.0, 8.0, 400)
            grid = np.stack(np.meshgrid(nodes, nodes), axis=-1)
            return float(np.log(weights @ np.exp(-self(grid).numpy()) @ weights))


def energy(name, *, wall=None):
    """Returns one of the four energies that show what a planar flow can do.

    With w1 = sin(2 pi z1 / 4), w2 = 3 exp(-((z1 - 1) / 0.6)^2 / 2) and
    w3 = 3 sigmoid((z1 - 1) / 0.3):

        U1 = ((|z| - 2) / 0.4)^2 / 2
             - log(exp(-((z1 - 2) / 0.6)^2 / 2) + exp(-((z1 + 2) / 0.6)^2 / 2))
        U2 = ((z2 - w1) / 0.4)^2 / 2
        U3 = -log(exp(-((z2 - w1) / 0.35)^2 / 2) + exp(-((z2 - w1 + w2) / 0.35)^2 / 2))
        U4 = -log(exp(-((z2 - w1) / 0.4)^2 / 2) + exp(-((z2 - w1 + w3) / 0.35)^2 / 2))

    U2, U3 and U4 go on forever in z1: exp(-U) has an infinite integral, and a flow fitted to
    them by reverse KL is paid to spread without end. The paper draws them on [-4, 4]^2 and
    does not say what bounds them. With `wall`, ((|z1| - wall) / 0.4)^2 / 2 is added where
    |z1| > wall: nothing changes between the walls, the integral becomes finite, and it is
    known exactly (`log_normalizer`), so that the reverse KL of a fit is absolute.

    Args:
      name: 'U1', 'U2', 'U3' or 'U4'.
      wall: Where the soft wall begins, above 0 (4.0 is the paper's window), or None for
        the formula as printed.

    Returns:
      A callable z [..., 2] -> U(z) [...] in the dtype of z, with the attributes `bounds`
      and `log_normalizer`.

    Raises:
      ValueError: The name is unknown, or the wall is not above 0.

    Reference:
      Rezende and Mohamed (2015), Variational Inference with Normalizing Flows, Table 1.

    Example:
      >>> U2 = energy("U2", wall=4.0)
      >>> float(U2([1.0, 1.0]))
      0.0
    """
    return Energy(name, wall)
