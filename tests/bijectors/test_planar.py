"""The planar layer against the formulas of the paper, written out in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.bijectors import Planar

PARAMETERS = [
    # u, w, b: w.u of either sign, small and large
    ([1.0, 0.5], [2.0, -1.0], 0.3),
    ([-3.0, 1.0], [2.0, 1.0], -0.5),
    ([5.0, 5.0], [1.0, 3.0], 1.0),
    ([-8.0, -8.0], [1.0, 1.0], 0.0),
]


def paper(z, u, w, b):
    """Equations 10 to 12 and appendix A.1, in numpy."""
    u, w = np.asarray(u), np.asarray(w)
    w_dot_u = w @ u
    m = -1.0 + np.log(1.0 + np.exp(w_dot_u))
    u_hat = u + (m - w_dot_u) * w / (w @ w)
    height = z @ w + b
    value = z + u_hat * np.tanh(height)[:, None]
    psi = (1.0 - np.tanh(height) ** 2)[:, None] * w
    return value, np.log(np.abs(1.0 + psi @ u_hat))


@pytest.mark.parametrize(("u", "w", "b"), PARAMETERS)
def test_is_the_formula_of_the_paper(u, w, b):
    z = np.random.default_rng(0).normal(size=[200, 2])
    layer = Planar(2, u=u, w=w, b=b, dtype=tf.float64)
    value, log_det = paper(z, u, w, b)
    np.testing.assert_allclose(layer.forward(z), value, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.forward_log_det_jacobian(z, 1), log_det, rtol=0, atol=1e-9)


def test_w_dot_u_hat_is_above_minus_one():
    layer = Planar(2, u=[-6.0, -6.0], w=[1.0, 1.0], dtype=tf.float64)
    w_dot_u_hat = float(tf.reduce_sum(layer.w * layer.u_hat))
    assert w_dot_u_hat == pytest.approx(-1.0 + np.log1p(np.exp(-12.0)), abs=1e-12)
    assert w_dot_u_hat > -1.0


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("u", "w", "b"), [*PARAMETERS, ([-30.0, -30.0], [1.0, 1.0], 0.2)])
def test_inverse_is_exact_to_machine_precision(u, w, b, dtype):
    """Also where the layer is all but flat: w.u = -60 leaves a slope of 1e-26."""
    layer = Planar(2, u=u, w=w, b=b, dtype=dtype)
    rng = np.random.default_rng(1)
    y = np.concatenate([3 * rng.normal(size=[5_000, 2]), 100 * rng.normal(size=[500, 2])])
    # The hardest points: those on the plane itself, and within rounding of it.
    flat = np.outer(np.linspace(-1e-3, 1e-3, 101), w) - b * np.asarray(w) / np.dot(w, w)
    y = tf.constant(np.concatenate([y, flat]), dtype)
    again = layer.forward(tf.identity(layer.inverse(y)))
    # What rounding z alone does to forward(z), to first order: forward stretches it by up
    # to 1 + |u_hat| |w|.
    norm, reach = np.linalg.norm, np.linalg.norm(layer.u_hat)
    rounding = (1.0 + reach * norm(w)) * (norm(y, axis=1) + reach)
    error = norm(again - y, axis=1)
    assert np.max(error / rounding) <= 4 * np.finfo(dtype.as_numpy_dtype).eps


def test_second_derivatives_of_the_inverse_are_right():
    layer = Planar(1, u=[-2.0], w=[1.5], b=0.4, dtype=tf.float64)
    y = tf.constant([[0.3]], tf.float64)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(y)
        with tf.GradientTape() as inner:
            inner.watch(y)
            z = layer.inverse(y)
        first = inner.gradient(z, y)
    second = float(outer.gradient(first, y))
    # z = f^-1(y):  z' = 1 / f'(z),  z'' = -f''(z) / f'(z)^3
    point = tf.identity(layer.inverse(tf.identity(y)))
    with tf.GradientTape() as outer, tf.GradientTape() as inner:
        outer.watch(point)
        inner.watch(point)
        value = layer.forward(tf.identity(point))
        slope = inner.gradient(value, point)
    curvature = outer.gradient(slope, point)
    assert second == pytest.approx(float(-curvature / slope**3), rel=1e-9)


def test_a_zero_w_is_a_translation():
    layer = Planar(2, u=[1.0, -2.0], w=[0.0, 0.0], b=0.5)
    z = tf.constant([[0.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(layer.forward(z) - z, np.tanh(0.5) * np.array([[1, -2]] * 2), 1e-6)
    np.testing.assert_allclose(layer.inverse(tf.identity(layer.forward(z))), z, rtol=0, atol=1e-6)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="event_size must be at least 1, got 0"):
        Planar(0)
    with pytest.raises(ValueError, match=r"w must have shape \[2\], got \[3\]"):
        Planar(2, w=[1.0, 2.0, 3.0])
