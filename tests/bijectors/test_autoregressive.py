"""Autoregressive and coupling layers: one formula, two ways to run it."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.bijectors import BoundedAffine, Coupling, MaskedAutoregressive
from normflows_tut.networks import MADE, MLP

tfb = tfp.bijectors


def _layer(order, hidden_units=(7, 9), size=4):
    made = MADE(
        size,
        2,
        hidden_units,
        order=order,
        activation="tanh",
        zero_last=False,
        dtype=tf.float64,
    )
    return MaskedAutoregressive(size, made, BoundedAffine, dtype=tf.float64)


@pytest.mark.parametrize("hidden_units", [(), (2,), (7, 9), (64, 3)])
@pytest.mark.parametrize("size", [1, 2, 5, 10])  # blocks of 1, 1, 2 and 3 coordinates
def test_sampling_by_steps_is_sampling_by_repetition(size, hidden_units):
    generator = np.random.default_rng(0)
    layer = _layer(generator.permutation(size), hidden_units, size)
    x = tf.constant(generator.normal(size=[20, size]))
    by_steps, log_det = layer.forward_and_log_det(x)
    made = layer.conditioner
    plain = MaskedAutoregressive(size, lambda y: made(y), BoundedAffine, dtype=tf.float64)
    by_repetition, same_log_det = plain.forward_and_log_det(x)
    np.testing.assert_allclose(by_steps, by_repetition, rtol=0, atol=1e-13)
    np.testing.assert_allclose(log_det, same_log_det, rtol=0, atol=1e-13)


def test_is_its_formula():
    """Papamakarios et al. (2017), equations 3 to 5, one coordinate after the other."""
    layer = _layer([2, 0, 3, 1])
    x = np.random.default_rng(1).normal(size=[1, 4])
    y = np.zeros([1, 4])
    for i in (2, 0, 3, 1):
        log_scale, shift = BoundedAffine(layer.conditioner(y)).log_scale_and_shift()
        y[:, i] = x[:, i] * np.exp(log_scale[:, i]) + shift[:, i]
    np.testing.assert_allclose(layer.forward(x), y, rtol=0, atol=1e-13)


def test_gradients_through_the_steps():
    layer = _layer([1, 0, 3, 2])
    x = tf.constant(np.random.default_rng(2).normal(size=[3, 4]))

    def loss():
        y, log_det = layer.forward_and_log_det(x)
        return tf.reduce_sum(tf.sin(y)) + tf.reduce_sum(log_det)

    def gradients():
        with tf.GradientTape() as tape:
            value = loss()
        return tape.gradient(value, layer.trainable_variables)

    eager, compiled = gradients(), tf.function(gradients, jit_compile=True)()
    for variable, one, other in zip(layer.trainable_variables, eager, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
        start = variable.numpy()
        direction = np.random.default_rng(3).normal(size=start.shape)
        variable.assign(start + 1e-6 * direction)
        up = loss()
        variable.assign(start - 1e-6 * direction)
        slope = float(up - loss()) / 2e-6
        variable.assign(start)
        assert np.sum(one * direction) == pytest.approx(slope, rel=1e-6, abs=1e-7)


def test_the_network_runs_once_for_value_and_log_det():
    layer = _layer(None)
    calls = []

    class Counted(MADE):
        def __call__(self, x, context=None):
            calls.append("pass")
            return super().__call__(x, context)

        def solve(self, respond, z, context=None):
            calls.append("solve")
            return super().solve(respond, z, context)

    made = Counted(4, 2, (8,), dtype=tf.float64)
    layer = MaskedAutoregressive(4, made, BoundedAffine, dtype=tf.float64)
    x = tf.constant(np.random.default_rng(4).normal(size=[3, 4]))
    for bijector, kind in ((layer, "pass"), (tfb.Invert(layer), "solve")):
        calls.clear()
        points = tf.identity(x)
        bijector.inverse(points)
        bijector.inverse_log_det_jacobian(points, 1)
        assert calls == [kind]


def test_many_dimensions_in_a_graph():
    made = MADE(784, 2, (100,), zero_last=False)
    layer = MaskedAutoregressive(784, made, BoundedAffine)
    x = tf.random.stateless_normal([4, 784], seed=[0, 0])
    for jit_compile in (False, True):
        y = tf.function(layer.forward, jit_compile=jit_compile)(x)
        np.testing.assert_allclose(layer.inverse(tf.identity(y)), x, rtol=0, atol=2e-3)


def test_a_conditioner_of_the_wrong_width_is_named():
    layer = Coupling(5, MLP(2, 7), BoundedAffine)
    with pytest.raises(ValueError, match=r"multiple of 3 numbers.*\(4, 7\)"):
        layer.forward(tf.zeros([4, 5]))


def test_bounded_affine_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\[..., 2, d\], got \(3, 1\)"):
        BoundedAffine(tf.zeros([3, 1]))


def test_no_points_give_no_points():
    y, log_det = _layer(None).forward_and_log_det(tf.zeros([0, 4], tf.float64))
    assert y.shape == [0, 4]
    assert log_det.shape == [0]
