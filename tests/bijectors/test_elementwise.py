"""Softlog and Softsquare against their formulas."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.bijectors import Softlog, Softsquare
from normflows_tut.evaluation import log_det_error

X = np.array([-100.0, -2.0, -1e-9, 0.0, 1e-9, 0.5, 3.0, 1e4])


def test_softlog_is_its_formula():
    layer = Softlog()
    np.testing.assert_allclose(layer.forward(X), np.sign(X) * np.log(np.abs(X) + 1), rtol=1e-7)
    np.testing.assert_allclose(layer.forward_log_det_jacobian(X), -np.log(np.abs(X) + 1))


def test_softsquare_is_its_formula():
    a, b = 0.5, 2.0
    layer = Softsquare(a, b)
    y = a * X + b * np.sign(X) * X**2
    np.testing.assert_allclose(layer.forward(X), y, rtol=1e-14)
    np.testing.assert_allclose(layer.inverse(tf.constant(y)), X, rtol=1e-12)
    np.testing.assert_allclose(layer.forward_log_det_jacobian(X), np.log(a + 2 * b * np.abs(X)))


@pytest.mark.parametrize("layer", [Softlog(), Softsquare(2.0, 1.0)], ids=["softlog", "softsquare"])
def test_the_slope_at_zero_is_right(layer):
    assert log_det_error(layer, np.zeros([1, 1])) == 0.0


def test_both_are_odd_and_fix_zero():
    for layer in (Softlog(), Softsquare(1.0, 1.0)):
        np.testing.assert_array_equal(layer.forward(-X), -layer.forward(X).numpy())
        assert float(layer.inverse(0.0)) == 0.0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (0.0, 1.0, "a must be finite and above 0, got 0.0"),
        (-1.0, 1.0, "a must be finite and above 0, got -1.0"),
        (1.0, -2.0, "b must be finite and at least 0, got -2.0"),
        (1.0, np.nan, "b must be finite and at least 0, got nan"),
    ],
)
def test_softsquare_names_bad_arguments(a, b, message):
    with pytest.raises(ValueError, match=message):
        Softsquare(a, b)
