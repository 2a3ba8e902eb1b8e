"""ActNorm: set once, by `initialize` alone, from the data side."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut.bijectors import ActNorm, Planar, initialize_act_norms

tfb = tfp.bijectors


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=[1_000, 3]) * [0.01, 5.0, 1e3] + [1e3, 0.0, -1e5]


def test_initialize_standardises(data):
    layer = ActNorm(3, dtype=tf.float64)
    layer.initialize(data)
    z = layer.inverse(tf.constant(data)).numpy()
    np.testing.assert_allclose(z.mean(axis=0), 0.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=0, atol=1e-9)
    assert layer.initialized.numpy()


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("repeats", [1, 100])  # the mean of 700 times 0.1 is not quite 0.1
def test_a_constant_column_gets_scale_one(repeats, dtype):
    layer = ActNorm(2, dtype=dtype)
    varying = np.tile(np.arange(7.0), repeats)
    layer.initialize(np.stack([np.full(7 * repeats, 0.1), varying], axis=1))
    assert layer.log_scale.numpy()[0] == 0.0
    assert layer.log_scale.numpy()[1] == pytest.approx(np.log(2.0))


def test_log_prob_has_no_side_effect(data):
    layer = ActNorm(3, dtype=tf.float64)
    before = [variable.numpy() for variable in layer.variables]
    layer.inverse(tf.constant(data))
    layer.inverse_log_det_jacobian(tf.constant(data), 1)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_frozen_one_has_no_trainable_variables():
    assert not ActNorm(2, trainable=False).trainable_variables
    assert len(ActNorm(2, trainable=False).variables) == 3


def test_each_act_norm_of_a_chain_sees_standardised_data(data):
    planar = Planar(3, u=[1.0, 0.0, 1.0], w=[1.0, 1.0, 0.0], dtype=tf.float64)
    outer, inner = ActNorm(3, dtype=tf.float64), ActNorm(3, dtype=tf.float64)
    chain = tfb.Chain([tfb.Chain([outer, planar]), inner])
    initialize_act_norms(chain, data)
    z = chain.inverse(tf.constant(data)).numpy()
    np.testing.assert_allclose(z.mean(axis=0), 0.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=0, atol=1e-9)
    assert not np.allclose(inner.log_scale, 0.0)


def test_what_is_initialized_stays(data):
    layer = ActNorm(3, dtype=tf.float64)
    initialize_act_norms(layer, data)
    before = layer.shift.numpy()
    initialize_act_norms(layer, 2.0 * data)
    np.testing.assert_array_equal(layer.shift, before)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros([0, 2]), "empty"),
        (np.zeros([5, 3]), "2 columns, got 3"),
        (np.array([[0.0, 0.0], [np.nan, 1.0]]), "row 1"),
    ],
)
def test_bad_data_is_refused_and_nothing_is_set(bad, message):
    layer = ActNorm(2)
    with pytest.raises(ValueError, match=message):
        layer.initialize(bad)
    assert not layer.initialized.numpy()
