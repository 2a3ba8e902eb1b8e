"""Networks: the formula, the initial values, the errors."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from normflows_tut.networks import (
    MADE,
    MLP,
    Conv,
    ConvNet,
    Decoder,
    Dense,
    Embedding,
    Encoder,
    activation_function,
)


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


def test_biases_start_like_the_weights():
    *hidden, last = MLP(50, 3, (2000, 5)).dense
    assert np.isclose(np.std(hidden[0].bias), np.sqrt(2 / 50), rtol=0.05)
    assert np.any(hidden[1].bias)
    assert not np.any(last.bias)  # zero_last


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


@pytest.mark.parametrize(
    ("size", "count", "hidden_units", "order", "context_size"),
    [
        (4, 2, (7, 9), None, 0),
        (4, 3, (5,), [2, 0, 3, 1], 0),
        (3, 2, (), [1, 2, 0], 0),
        (3, 1, (2, 30), [2, 1, 0], 2),
        (1, 2, (4,), None, 0),
        (1, 2, (4,), None, 1),
        (6, 2, (3,), None, 0),  # fewer hidden units than degrees
    ],
)
def test_made_sees_only_what_comes_before(size, count, hidden_units, order, context_size):
    made = MADE(
        size,
        count,
        hidden_units,
        order=order,
        context_size=context_size,
        activation="tanh",
        zero_last=False,
        dtype=tf.float64,
    )
    rng = np.random.default_rng(0)
    for variable in made.trainable_variables:  # as an optimizer that knows of no mask would
        variable.assign_add(rng.normal(size=variable.shape))
    x, context = tf.constant(rng.normal(size=[6, size])), tf.constant(rng.normal(size=[6, 0]))
    if context_size:
        context = tf.constant(rng.normal(size=[6, context_size]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, context])
        parameters = made(x, context if context_size else None)
    assert parameters.shape == [6, count, size]
    jacobian = tape.batch_jacobian(parameters, x).numpy()
    place = np.argsort(range(size) if order is None else order)
    for i in range(size):
        for j in range(size):
            block = jacobian[:, :, i, j]
            if place[j] >= place[i]:
                assert np.all(block == 0)
            elif all(units >= size for units in hidden_units):  # a unit for every degree
                assert np.any(block != 0)
    if context_size:
        # Every coordinate depends on the context, the first one too.
        assert np.all(np.any(tape.batch_jacobian(parameters, context) != 0, axis=(0, 1, 3)))


def test_made_hidden_degrees_are_even_and_ascend():
    made = MADE(4, 2, (8, 3))
    assert made.hidden_degrees[0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3]
    assert made.hidden_degrees[1].tolist() == [1, 2, 3]
    assert MADE(4, 2, (8,), context_size=1).hidden_degrees[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_made_refuses_what_cannot_work():
    with pytest.raises(ValueError, match=r"permutation of 0 ... 2, got \[0, 0, 1\]"):
        MADE(3, order=[0, 0, 1])
    with pytest.raises(ValueError, match="context of width 2, got 3"):
        MADE(3, context_size=2)(tf.zeros([4, 3]), tf.zeros([4, 3]))
    with pytest.raises(ValueError, match="context of width 0, got 3"):
        MADE(3)(tf.zeros([4, 3]), tf.zeros([4, 3]))
    with pytest.raises(ValueError, match="context of width 2, got 0"):
        MADE(3, context_size=2)(tf.zeros([4, 3]))


# name -> (network, shape of its input, shape of its context)
NETWORKS = {
    "Dense": (lambda: Dense(2, 3), [2], None),
    "MLP": (lambda: MLP(2, 3, (4,)), [2], None),
    "MLP with a context": (lambda: MLP(2, 3, (4,), context_size=1), [2], [1]),
    "MADE": (lambda: MADE(2, 2, (4,)), [2], None),
    "MADE with a context": (lambda: MADE(2, 2, (4,), context_size=1), [2], [1]),
    "Conv": (lambda: Conv(2, 3), [4, 4, 2], None),
    "ConvNet": (lambda: ConvNet(2, 3, 4, 1), [4, 4, 2], None),
    "ConvNet with a context": (lambda: ConvNet(2, 3, 4, 1, context_size=1), [4, 4, 2], [1, 1, 1]),
    "Embedding": (lambda: Embedding(3, 2), [2], None),
    "Encoder": (lambda: Encoder((4, 4, 1), 3, (4,)), [4, 4, 1], None),
    "Decoder": (lambda: Decoder(2, (4, 4, 1), (4,)), [2], None),
}
each_network = pytest.mark.parametrize("name", NETWORKS)


def shaken(network):
    for k, variable in enumerate(network.trainable_variables):
        variable.assign_add(0.3 * tf.random.stateless_normal(variable.shape, [k, 0]))
    return network


@each_network
def test_arrays_of_every_kind_are_taken(name):
    make, shape, of_context = NETWORKS[name]
    network = shaken(make())
    x = np.random.default_rng(0).integers(3, size=[5, *shape])
    rest = () if of_context is None else (np.ones([5, *of_context], int),)
    expected = network(*(tf.constant(each, tf.float32) for each in (x, *rest)))
    kinds = [lambda a: a, np.float64, np.float32, lambda a: a.tolist()]
    kinds += [lambda a: tf.Variable(a.astype(np.float32))]
    for kind in kinds:
        np.testing.assert_array_equal(network(*map(kind, (x, *rest))), expected)
    if len(shape) == 1:
        symbols = [tf_keras.Input(each.shape[1:]) for each in (x, *rest)]
        assert network(*symbols).shape.as_list() == [None, *expected.shape[1:]]


@each_network
def test_what_is_no_such_array_is_refused(name):
    make, shape, of_context = NETWORKS[name]
    network, x = make(), np.zeros([5, *shape])
    rest = () if of_context is None else (np.zeros([5, *of_context]),)
    for bad, message in {
        "text": "takes an array of .*, got 'text'",
        None: "takes an array of .*, got None",
        ((1.0, 2.0), (3.0,)): r"takes an array of .*, got \(\(1.0, 2.0\), \(3.0,\)\)",
        0.5: r"takes an array of at least .*, got shape \(\)",
    }.items():
        with pytest.raises(ValueError, match=f"{network.name} {message}"):
            network(bad, *rest)
    others = [tf.zeros(x.shape, tf.complex64), x + 1j]
    if name != "Embedding":  # which takes whole numbers of any dtype
        others += [tf.constant(x)]
        with pytest.raises(ValueError, match=r"takes .*, got shape \(.*3\)"):
            network(np.zeros([5, *shape[:-1], 3]), *rest)
    for other in others:
        with pytest.raises(ValueError, match=f"{network.name} takes an array of"):
            network(other, *rest)
    if rest:
        with pytest.raises(ValueError, match=f"the context of {network.name} takes .* got 'a'"):
            network(x, "a")
        with pytest.raises(ValueError, match=r"the context of .* at least 1 axis, got shape \(\)"):
            network(x, 1.0)


def test_images_of_whole_bytes_are_refused():
    with pytest.raises(
        ValueError, match=r"encoder takes pixels in \[0, 1\], got uint8: give x / 25"
    ):
        Encoder((4, 4, 1), 3)(np.zeros([5, 4, 4, 1], np.uint8))
