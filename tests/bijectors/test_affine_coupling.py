"""The affine coupling against its formula, and its triangular Jacobian."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.bijectors import AffineCoupling


def conditioner(passed):
    """Raw log-scales, then shifts, for one passed and two transformed coordinates."""
    x = passed[..., :1]
    return tf.concat([tf.sin(x), 2.0 * x, x**2, 1.0 + x], axis=-1)


def test_is_its_formula():
    x = np.random.default_rng(0).normal(size=[50, 3])
    layer = AffineCoupling(3, conditioner, log_scale_bound=2.0, dtype=tf.float64)
    x_a, x_b = x[:, :1], x[:, 1:]
    s = 2.0 * np.tanh(np.concatenate([np.sin(x_a), 2.0 * x_a], axis=1) / 2.0)
    t = np.concatenate([x_a**2, 1.0 + x_a], axis=1)
    expected = np.concatenate([x_a, x_b * np.exp(s) + t], axis=1)
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-13)
    np.testing.assert_allclose(layer.forward_log_det_jacobian(x, 1), s.sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("flip", [False, True])
def test_the_jacobian_is_triangular(flip):
    layer = AffineCoupling(2, lambda p: tf.concat([p, p**2], -1), flip=flip, dtype=tf.float64)
    x = tf.constant([[0.7, -1.2]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer.forward(x)
    jacobian = tape.batch_jacobian(y, x)[0].numpy()
    passed, changed = (1, 0) if flip else (0, 1)
    assert jacobian[passed, changed] == 0.0
    assert jacobian[passed, passed] == 1.0
    assert jacobian[changed, passed] != 0.0


def test_the_log_scale_is_bounded():
    layer = AffineCoupling(2, lambda p: tf.concat([1e6 * p, p], -1), log_scale_bound=1.5)
    log_det = layer.forward_log_det_jacobian(tf.constant([[5.0, 1.0], [-5.0, 1.0]]), 1)
    np.testing.assert_allclose(log_det, [1.5, -1.5], rtol=1e-6)


def test_a_network_whose_variables_would_be_lost_is_refused():
    network = keras.Sequential([keras.Input([1]), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"no tf\.Module"):
        AffineCoupling(2, network)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"at least 2.*got 1"):
        AffineCoupling(1, conditioner)
    with pytest.raises(ValueError, match="log_scale_bound must be finite and above 0, got 0"):
        AffineCoupling(3, conditioner, log_scale_bound=0)
