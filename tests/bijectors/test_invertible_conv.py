"""The invertible 1x1 convolution: what its matrix is, where it starts, what it refuses."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import training
from normflows_tut.bijectors import InvertibleConv1x1
from normflows_tut.bijectors.invertible_conv import PARAMETRIZATIONS

tfd = tfp.distributions
RNG = np.random.default_rng(0)
each = pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)


def moved(layer, scale=0.3):
    for variable in layer.trainable_variables:
        variable.assign_add(tf.cast(scale * RNG.normal(size=variable.shape), layer.dtype))
    return layer


@each
@pytest.mark.parametrize("channels", [1, 2, 12])
def test_it_starts_orthogonal(parametrization, channels):
    layer = InvertibleConv1x1(channels, parametrization, seed=3, dtype=tf.float64)
    w = layer.matrix().numpy()
    np.testing.assert_allclose(w @ w.T, np.eye(channels), atol=1e-12)
    log_det = layer.inverse_log_det_jacobian(tf.zeros([1, channels], tf.float64), 1)
    np.testing.assert_allclose(log_det, 0.0, atol=1e-12)
    other = InvertibleConv1x1(channels, parametrization, seed=4, dtype=tf.float64)
    assert channels == 1 or not np.allclose(w, other.matrix())


@each
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 12])
def test_it_starts_where_it_is_told(parametrization, channels):
    rotation = np.linalg.qr(RNG.normal(size=[channels, channels]))[0]
    for start in (np.eye(channels), np.eye(channels)[::-1], rotation):
        layer = InvertibleConv1x1(channels, parametrization, start=start, dtype=tf.float64)
        np.testing.assert_allclose(layer.matrix(), start, atol=1e-12)
        np.testing.assert_allclose(layer.inverse_matrix(), start.T, atol=1e-12)


@each
def test_the_log_det_is_that_of_the_matrix_for_every_pixel(parametrization):
    layer = moved(InvertibleConv1x1(4, parametrization, dtype=tf.float64))
    w = layer.matrix().numpy()
    np.testing.assert_allclose(layer.inverse_matrix().numpy() @ w, np.eye(4), atol=1e-10)
    images = tf.constant(RNG.normal(size=[2, 3, 5, 4]))
    _, of_one = np.linalg.slogdet(w)
    claimed = layer.inverse_log_det_jacobian(images, event_ndims=3)
    np.testing.assert_allclose(claimed, [15 * of_one] * 2, atol=1e-10)
    z = layer.inverse(images)
    np.testing.assert_allclose(z, np.einsum("ij,bhwj->bhwi", w, images), atol=1e-12)
    np.testing.assert_allclose(layer.forward(tf.identity(z)), images, atol=1e-10)


def test_householder_is_the_product_of_its_reflections():
    layer = moved(InvertibleConv1x1(5, "householder", dtype=tf.float64))
    product = np.eye(5)
    for v in layer.directions.numpy().T:
        product = product @ (np.eye(5) - 2 * np.outer(v, v) / (v @ v))
    np.testing.assert_allclose(layer.matrix(), product, atol=1e-12)
    np.testing.assert_allclose(layer.matrix() @ tf.transpose(layer.matrix()), np.eye(5), atol=1e-12)


@pytest.mark.parametrize("parametrization", ["lu", "qr"])
def test_it_can_learn_any_scale(parametrization):
    # Data whose covariance is far from that of any orthogonal matrix times normal numbers.
    a = np.array([[2.0, 0.5, 0.0], [0.0, 0.3, 0.1], [-1.0, 0.0, 1.0]])
    data = (RNG.normal(size=[4000, 3]) @ a.T).astype(np.float32)
    layer = InvertibleConv1x1(3, parametrization)
    base = tfd.MultivariateNormalDiag(tf.zeros([3]), tf.ones([3]))
    flow = tfd.TransformedDistribution(base, layer)
    training.fit(flow, data, num_steps=1500, learning_rate=1e-2, progress=False)
    covariance = np.linalg.inv(layer.matrix().numpy().T @ layer.matrix().numpy())
    np.testing.assert_allclose(covariance, np.cov(data.T), atol=0.15)


def test_lu_keeps_its_permutation_and_signs():
    layer = InvertibleConv1x1(6)
    names = {variable.name.split(":")[0] for variable in layer.trainable_variables}
    assert names == {"entries"}
    assert len(layer.variables) == 3


def test_fixed_trains_nothing_and_is_saved():
    layer = InvertibleConv1x1(6, "fixed")
    assert not layer.trainable_variables
    assert len(layer.variables) == 1


def test_what_is_refused():
    with pytest.raises(ValueError, match="Unknown parametrization 'svd'; known: lu, qr, house"):
        InvertibleConv1x1(3, "svd")
    with pytest.raises(ValueError, match=r"event_size must be .* got 0"):
        InvertibleConv1x1(0)
    with pytest.raises(ValueError, match=r"start must be a 3 x 3 matrix, got the shape \(2, 2\)"):
        InvertibleConv1x1(3, start=np.eye(2))
    with pytest.raises(ValueError, match="start must be a matrix of numbers, got 'rotation'"):
        InvertibleConv1x1(3, start="rotation")
    with pytest.raises(ValueError, match=r"must be orthogonal, but start @ start.T is 3 off"):
        InvertibleConv1x1(3, start=2 * np.eye(3))
    with pytest.raises(ValueError, match=r"acts on events of size 3, got shape \(2, 4, 4, 2\)"):
        InvertibleConv1x1(3).forward(tf.zeros([2, 4, 4, 2]))
