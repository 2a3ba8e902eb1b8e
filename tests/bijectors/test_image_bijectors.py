"""Bijectors on images: where each pixel goes, and what the log-determinants count."""

import functools

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import bijectors
from normflows_tut.networks import ConvNet

tfb, tfd = tfp.bijectors, tfp.distributions

RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.normal(size=[3, 4, 6, 2]))


def test_squeeze_moves_each_pixel_where_it_says():
    y = bijectors.Squeeze().forward(IMAGES).numpy()
    assert y.shape == (3, 2, 3, 8)
    for place, (row, column) in enumerate([(0, 0), (1, 1), (0, 1), (1, 0)]):
        np.testing.assert_array_equal(
            y[..., 2 * place : 2 * place + 2], IMAGES[:, row::2, column::2]
        )
    np.testing.assert_array_equal(bijectors.Squeeze().inverse(tf.identity(y)), IMAGES)


def test_half_of_the_squeezed_channels_is_a_checkerboard():
    rows, columns = np.indices((4, 6))
    board = ((rows + columns) % 2)[..., np.newaxis].astype(np.float64)
    first, second = np.split(bijectors.Squeeze().forward(board).numpy(), 2, axis=-1)
    assert np.all(first == 0)
    assert np.all(second == 1)


@pytest.mark.parametrize("shape", [(5, 6, 2), (4, 3, 2)])
def test_squeeze_refuses_odd_sides(shape):
    with pytest.raises(ValueError, match=rf"even height and width, got shape \[{shape[0]}, "):
        bijectors.Squeeze().forward(tf.zeros([1, *shape]))


def test_squeeze_refuses_other_channels_on_the_way_back():
    with pytest.raises(ValueError, match=r"multiple of 4, got shape \[2, 2, 6\]"):
        bijectors.Squeeze().inverse(tf.zeros([1, 2, 2, 6]))
    unknown = tf.TensorShape([1, None, 4, 4])
    for direction in (bijectors.Squeeze().forward, bijectors.Squeeze().inverse):
        with pytest.raises(ValueError, match=r"needs images of known sizes, got .*None, 4, 4"):
            tf.function(direction).get_concrete_function(tf.TensorSpec(unknown))


def test_act_norm_on_images():
    norm = bijectors.ActNorm(2, dtype=tf.float64)
    norm.initialize(3 * IMAGES.numpy() + [1.0, -2.0])
    z = norm.inverse(3 * IMAGES + [1.0, -2.0])
    np.testing.assert_allclose(tf.reduce_mean(z, [0, 1, 2]), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(tf.math.reduce_std(z, [0, 1, 2]), 1)
    # Every one of the 4 x 6 pixels is scaled.
    log_det = norm.forward_log_det_jacobian(IMAGES, event_ndims=3)
    np.testing.assert_allclose(log_det, 24 * np.sum(norm.log_scale), rtol=1e-12)


def a_level(channels, seed=0):
    network = ConvNet(channels // 2, channels, 4, 1, zero_last=False, seed=seed, dtype=tf.float64)
    coupling = bijectors.AffineCoupling(channels, network, dtype=tf.float64)
    norm = bijectors.ActNorm(channels, dtype=tf.float64)
    return tfb.Chain([tfb.Invert(bijectors.Squeeze()), norm, coupling])


def a_multiscale():
    return bijectors.Multiscale((8, 8, 1), [a_level(4), a_level(8)], dtype=tf.float64)


def test_multiscale_is_its_formula():
    multiscale = a_multiscale()
    first, second = multiscale.levels
    x = tf.constant(RNG.normal(size=[5, 8, 8, 1]))
    h1 = first.inverse(tf.identity(x))
    rest, z1 = tf.split(h1, 2, axis=-1)
    z2 = second.inverse(tf.identity(rest))
    z = multiscale.inverse(tf.identity(x))
    assert z.shape == (5, 64)
    expected = tf.concat([tf.reshape(z2, [5, 32]), tf.reshape(z1, [5, 32])], axis=-1)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-12)
    log_det = first.inverse_log_det_jacobian(tf.identity(x), 3)
    log_det += second.inverse_log_det_jacobian(tf.identity(rest), 3)
    np.testing.assert_allclose(
        multiscale.inverse_log_det_jacobian(tf.identity(x), 3), log_det, rtol=1e-12
    )
    deep, shallow = multiscale.split(z)
    np.testing.assert_allclose(deep, z2, rtol=0, atol=1e-12)
    np.testing.assert_allclose(shallow, z1, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(multiscale.join([deep, shallow]), z)
    np.testing.assert_allclose(multiscale.forward(tf.identity(z)), x, rtol=0, atol=1e-10)


def test_multiscale_knows_its_shapes():
    multiscale = a_multiscale()
    assert multiscale.forward_event_shape([64]) == [8, 8, 1]
    assert multiscale.inverse_event_shape([8, 8, 1]) == [64]
    assert multiscale.image_shape == (8, 8, 1)


def test_multiscale_initializes_every_act_norm():
    multiscale = a_multiscale()
    data = 5 + 2 * RNG.normal(size=[200, 8, 8, 1])
    bijectors.initialize_act_norms(multiscale, data)
    h = data
    for level in multiscale.levels:
        norm = level.bijectors[1]
        assert norm.initialized
        squeezed = bijectors.Squeeze().forward(h)
        np.testing.assert_allclose(
            norm.shift, tf.reduce_mean(squeezed, [0, 1, 2]), rtol=0, atol=1e-9
        )
        h = tf.split(level.inverse(tf.identity(tf.constant(h))), 2, axis=-1)[0]
        h = h.numpy()


def test_multiscale_refuses_what_has_no_halves():
    with pytest.raises(ValueError, match=r"Level 1 of 2 ends with shape \[4, 4, 1\]"):
        bijectors.Multiscale((4, 4, 1), [tfb.Identity(), tfb.Identity()])
    with pytest.raises(ValueError, match="at least one bijector, got none"):
        bijectors.Multiscale((4, 4, 1), [])
    with pytest.raises(ValueError, match=r"must be \(height, width, channels\), got \(4, 4\)"):
        bijectors.Multiscale((4, 4), [tfb.Identity()])


def a_dequantization(conditioner):
    spline = functools.partial(bijectors.RationalQuadraticSpline, bound=0.5)
    return bijectors.Dequantization(1, conditioner, spline, dtype=tf.float64)


def test_dequantization_keeps_the_whole_numbers():
    raw = tf.constant(RNG.normal(size=[1, 11]))
    layer = a_dequantization(lambda x: tf.sin(x) @ raw)
    y = tf.constant(RNG.uniform(0, 256, size=[1000, 1]))
    for direction in (layer.forward, layer.inverse):
        moved = direction(y)
        np.testing.assert_array_equal(tf.floor(moved), tf.floor(y))
        assert np.abs(moved - y).max() > 0.1


def test_what_is_bent_up_to_the_edge_of_its_cell_stays_below():
    raw = tf.constant(RNG.normal(scale=3, size=[1, 11]), tf.float32)
    spline = functools.partial(bijectors.RationalQuadraticSpline, bound=0.5)
    layer = bijectors.Dequantization(1, lambda x: tf.ones_like(x) @ raw, spline)
    edge = np.nextafter(np.float32([[256]]), np.float32(0))
    for direction in (layer.forward, layer.inverse):  # one of them has a slope below 1 there
        assert np.floor(direction(edge)) == 255


def test_a_conditioner_of_the_wrong_width_is_refused():
    spline = functools.partial(bijectors.RationalQuadraticSpline, bound=0.5)
    layer = bijectors.Dequantization(2, lambda x: tf.zeros([*x.shape[:-1], 11]), spline)
    with pytest.raises(ValueError, match="dequantization must return a multiple of 2 numbers"):
        layer.forward(tf.zeros([5, 2]))


def test_with_no_parameters_it_is_uniform_dequantization():
    layer = a_dequantization(lambda x: tf.zeros([*x.shape[:-1], 11], x.dtype))
    y = tf.constant(RNG.uniform(0, 256, size=[1000, 1]))
    np.testing.assert_allclose(layer.inverse(y), y, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.inverse_log_det_jacobian(y, 1), 0, rtol=0, atol=1e-12)


def test_whatever_the_noise_the_probability_of_a_whole_number_stays():
    raw = tf.constant(RNG.normal(size=[1, 11]))
    layer = a_dequantization(lambda x: tf.sin(x) @ raw)
    base = tfd.MultivariateNormalDiag(tf.constant([3.4], tf.float64), [1.3])
    flow = tfd.TransformedDistribution(base, layer)
    for x in range(7):
        # The splines' knots are where the integrand has corners.
        v = np.linspace(0, 1, 4001)[:, np.newaxis]
        density = np.exp(flow.log_prob(np.minimum(x + v, x + 1 - 1e-9)))
        total = scipy.integrate.simpson(density, x=v[:, 0])
        exact = scipy.stats.norm(3.4, 1.3).cdf([x, x + 1])
        assert total == pytest.approx(exact[1] - exact[0], abs=1e-5)


def test_one_bijector_may_be_every_level():
    squeeze = tfb.Invert(bijectors.Squeeze())
    multiscale = bijectors.Multiscale((8, 8, 1), [squeeze, squeeze])
    x = tf.constant(RNG.normal(size=[2, 8, 8, 1]), tf.float32)
    z = multiscale.inverse(x)
    assert z.shape == [2, 64]
    np.testing.assert_array_equal(multiscale.forward(tf.identity(z)), x)


def test_the_last_level_may_have_an_odd_number_of_channels():
    act_norm = bijectors.ActNorm(3)
    multiscale = bijectors.Multiscale((4, 4, 3), [tfb.Chain([act_norm])])
    multiscale.initialize_act_norms(RNG.normal(2.0, 3.0, size=[50, 4, 4, 3]).astype(np.float32))
    assert act_norm.initialized
    np.testing.assert_allclose(act_norm.shift, 2.0, rtol=0, atol=0.4)
