"""The deep sigmoidal transform against its formula, and the root it solves for."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.bijectors import DeepSigmoid


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _raw(num_sigmoids=5, size=2, scale=1.0):
    return scale * np.random.default_rng(0).normal(size=[3 * num_sigmoids, size])


def test_is_its_formula():
    raw = _raw()
    y = np.random.default_rng(1).normal(size=[50, 2])
    a = 1e-3 + np.log1p(np.exp(raw[:5] + np.log(np.expm1(1 - 1e-3))))
    b = raw[5:10] + np.linspace(-3, 3, 7)[1:-1, np.newaxis]
    w = np.exp(raw[10:]) / np.exp(raw[10:]).sum(axis=0)
    p = (w * _sigmoid(a * y[:, np.newaxis] + b)).sum(axis=1)
    layer = DeepSigmoid(tf.constant(raw))
    np.testing.assert_allclose(layer.inverse(y), np.log(p) - np.log1p(-p), rtol=1e-11)


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 3e-5), ("float64", 1e-13)])
def test_forward_solves_to_machine_precision(dtype, limit):
    layer = DeepSigmoid(tf.constant(_raw(16, 20, scale=2.0), dtype))
    x = tf.constant(np.random.default_rng(2).normal(size=[500, 20]) * 3, dtype)
    assert np.abs(layer.inverse(tf.identity(layer.forward(x))) - x).max() < limit


def test_tails_reach_any_value():
    layer = DeepSigmoid(tf.constant(_raw(scale=2.0)))
    x = tf.constant([[1e3, -1e3], [-1e5, 1e5]], tf.float64)
    np.testing.assert_allclose(layer.inverse(tf.identity(layer.forward(x))), x, rtol=1e-12)


def test_the_root_has_the_right_derivatives():
    raw = tf.constant(_raw(4, 1))
    x = tf.constant([[0.3]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        y = DeepSigmoid(raw).forward(x)
    gradient = tape.gradient(y, raw).numpy()
    direction = np.random.default_rng(3).normal(size=raw.shape)
    up = DeepSigmoid(raw + 1e-6 * direction).forward(x)
    down = DeepSigmoid(raw - 1e-6 * direction).forward(x)
    assert np.sum(gradient * direction) == pytest.approx(np.sum(up - down) / 2e-6, rel=1e-7)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"3 M parameters.*got 22"):
        DeepSigmoid(tf.zeros([22, 1]))
