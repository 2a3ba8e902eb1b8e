"""Networks: the formula, the initial values, the errors."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.networks import MLP, Dense, activation_function


def test_mlp_is_its_formula():
    network = MLP(2, 3, (5, 4), activation="tanh", zero_last=False, dtype=tf.float64)
    x = np.random.default_rng(0).normal(size=[7, 2])
    h = x
    for k, dense in enumerate(network.dense):
        h = h @ dense.weights.numpy() + dense.bias.numpy()
        h = np.tanh(h) if k < 2 else h
    np.testing.assert_allclose(network(x), h, rtol=1e-13)


def test_all_variables_exist_before_first_use():
    assert [v.shape.as_list() for v in MLP(2, 3, (5,)).trainable_variables] == [
        [5],
        [2, 5],
        [3],
        [5, 3],
    ]


def test_zero_last_gives_zero():
    assert not np.any(MLP(2, 3)(tf.ones([4, 2])))
    assert np.any(MLP(2, 3, zero_last=False)(tf.ones([4, 2])))


def test_no_hidden_units_is_one_linear_layer():
    assert len(MLP(2, 3, ()).trainable_variables) == 2


def test_seeds_decide_the_weights():
    def weights(seed):
        return Dense(10, 10, seed=seed).weights.numpy()

    np.testing.assert_array_equal(weights(1), weights(1))
    assert np.any(weights(1) != weights(2))
    layers = MLP(8, 8, (8, 8), zero_last=False).dense
    assert np.any(layers[0].weights != layers[1].weights)


def test_initial_weights_are_he_normal():
    weights = Dense(400, 500, seed=0).weights.numpy()
    # The standard error of a deviation s from n draws is s / sqrt(2 n).
    assert weights.std() == pytest.approx(np.sqrt(2 / 400), rel=4 / np.sqrt(2 * 200_000))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="output_size must be at least 1, got 0"):
        MLP(2, 0)
    with pytest.raises(ValueError, match=r"'sigmund'.*relu"):
        activation_function("sigmund")
