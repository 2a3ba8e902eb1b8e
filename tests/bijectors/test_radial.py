"""The radial layer against the formulas of the paper, written out in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.bijectors import Radial


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 2.0), (0.3, -2.0), (4.0, 0.0)])
def test_is_the_formula_of_the_paper(d, alpha, beta):
    rng = np.random.default_rng(0)
    z, center = rng.normal(size=[100, d]), rng.normal(size=d)
    beta_hat = -alpha + np.log(1.0 + np.exp(beta))
    r = np.linalg.norm(z - center, axis=1)
    h = 1.0 / (alpha + r)
    h_prime = -1.0 / (alpha + r) ** 2
    value = z + beta_hat * h[:, None] * (z - center)
    log_det = (d - 1) * np.log(1 + beta_hat * h) + np.log(1 + beta_hat * h + beta_hat * h_prime * r)

    layer = Radial(d, center=center, alpha=alpha, beta=beta, dtype=tf.float64)
    assert float(layer.alpha) == pytest.approx(alpha, rel=1e-12)
    np.testing.assert_allclose(layer.forward(z), value, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.forward_log_det_jacobian(z, 1), log_det, rtol=0, atol=1e-12)


def test_the_centre_stays_where_it_is():
    layer = Radial(2, center=[1.0, 2.0], beta=3.0, dtype=tf.float64)
    center = tf.constant([[1.0, 2.0]], tf.float64)
    np.testing.assert_allclose(layer.forward(center), center, rtol=0, atol=1e-15)
    np.testing.assert_allclose(layer.inverse(tf.identity(center)), center, rtol=0, atol=1e-15)


def test_inverse_does_not_cancel_far_inside_or_out():
    layer = Radial(2, center=[0.0, 0.0], alpha=0.5, beta=9.0, dtype=tf.float64)
    radii = np.logspace(-9, 9, 37)
    z = np.stack([radii, np.zeros_like(radii)], axis=1)
    again = layer.inverse(tf.identity(layer.forward(z)))
    np.testing.assert_allclose(again[:, 0], radii, rtol=1e-12)


def test_it_starts_as_the_identity():
    layer = Radial(3, dtype=tf.float64)
    z = np.random.default_rng(0).normal(size=[10, 3])
    np.testing.assert_allclose(layer.forward(z), z, rtol=0, atol=1e-14)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="alpha must be finite and above 0, got -1"):
        Radial(2, alpha=-1.0)
    with pytest.raises(ValueError, match="event_size must be at least 1, got 0"):
        Radial(0)
