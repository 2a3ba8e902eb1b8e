"""What a flow is built from and asked for: refused by name and value, never guessed."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import bijectors, flows, networks

FACTORIES = [flows.planar, flows.radial, flows.real_nvp]
each_factory = pytest.mark.parametrize("factory", FACTORIES)


@each_factory
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": None}, r"seed must be a non-negative int .*None"),
        ({"seed": -1}, r"seed must be a non-negative int .*-1"),
        ({"seed": 1.5}, r"seed must be a non-negative int .*1\.5"),
        ({"dtype": tf.float16}, r"dtype must be tf\.float32 or tf\.float64, got tf\.float16"),
        ({"dtype": tf.int32}, r"dtype must be .* got tf\.int32"),
        ({"dtype": "double32"}, r"dtype must be .* got 'double32'"),
        ({"dtype": None}, "dtype must be .* got None"),
    ],
)
def test_flows_are_not_built(factory, options, message):
    with pytest.raises(ValueError, match=message):
        factory(2, 2, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flows.real_nvp(2, hidden_units=64), "hidden_units must be a sequence .* got 64"),
        (lambda: flows.real_nvp(2, hidden_units="64"), "hidden_units must be a .* got '64'"),
        (lambda: flows.real_nvp(2, hidden_units=(8, 0)), "hidden_units must be at least 1, got 0"),
        (lambda: flows.real_nvp(2, activation=["relu"]), r"Unknown activation \['relu'\]"),
        (lambda: networks.ConvNet(2, 2, 0), "hidden_channels must be at least 1, got 0"),
        (lambda: flows.multiscale_real_nvp((8, 8, 1), seed=-1), "seed must not be negative"),
        (lambda: flows.pixel_range("a"), "alpha must be .* got 'a'"),
        (lambda: flows.pixel_range(0.5), "alpha must be .* below 1/2, got 0.5"),
        (lambda: networks.Dense(2, 2, seed=-1), "seed must be a non-negative int .* got -1"),
        (lambda: bijectors.Planar(2, u="a"), "u must be numbers, got 'a'"),
        (lambda: bijectors.Planar(2, u=[np.nan, 0.0]), r"u must be finite, got \[nan, 0.0\]"),
        (lambda: bijectors.Planar(2, b=[1.0]), r"b must have shape \[\], got \[1\]"),
        (lambda: bijectors.Planar(2, b=None), "b must be finite, got nan"),
        (lambda: bijectors.Radial(2, beta=np.inf), "beta must be finite, got inf"),
        (lambda: bijectors.Radial(2, center=[1.0]), r"center must have shape \[2\], got \[1\]"),
        (lambda: flows.layers(tfp.distributions.Normal(0.0, 1.0)), "is needed, got .*Normal"),
        (lambda: flows.prefixes(None), "is needed, got None"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_initial_values_of_another_dtype():
    for u in ([1, 2], np.array([1.0, 2.0]), tf.constant([1.0, 2.0], tf.float64)):
        np.testing.assert_array_equal(bijectors.Planar(2, u=u).u, [1.0, 2.0])


@each_factory
def test_points_of_another_shape_are_refused(factory):
    flow = factory(2, 1)
    for points in (5.0, [1.0], np.zeros([3, 1]), np.zeros([3, 3])):
        with pytest.raises(ValueError, match="acts on events of size 2, got shape"):
            flow.log_prob(points)


@each_factory
def test_a_width_that_only_the_running_graph_knows(factory):
    flow = factory(2, 1)
    log_prob = tf.function(flow.log_prob, input_signature=[tf.TensorSpec([None, None])])
    points = tf.constant([[0.5, -1.0], [0.0, 2.0]])
    np.testing.assert_allclose(log_prob(points), flow.log_prob(points), rtol=1e-5)
    for width in (1, 3):
        with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
            log_prob(tf.zeros([4, width]))


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_a_conditioner_of_another_width_is_refused(width):
    """Two log-scales for four coordinates would broadcast, and the log-det be half of it."""
    coupling = bijectors.AffineCoupling(4, networks.MLP(2, width))
    with pytest.raises(ValueError, match=r"conditioner|size|shape"):
        coupling.forward(tf.ones([3, 4]))
