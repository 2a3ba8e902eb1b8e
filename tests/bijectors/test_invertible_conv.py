"""The invertible 1x1 convolution: what its matrix is, where it starts, what it refuses."""

import numpy as np
import pytest
import scipy.linalg
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
    np.testing.assert_allclose(w @ w.T, np.eye(channels), rtol=0, atol=1e-12)
    log_det = layer.inverse_log_det_jacobian(tf.zeros([1, channels], tf.float64), 1)
    np.testing.assert_allclose(log_det, 0.0, rtol=0, atol=1e-12)
    other = InvertibleConv1x1(channels, parametrization, seed=4, dtype=tf.float64)
    assert channels == 1 or not np.allclose(w, other.matrix())


@each
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 12])
def test_it_starts_where_it_is_told(parametrization, channels):
    rotation = np.linalg.qr(RNG.normal(size=[channels, channels]))[0]
    for start in (np.eye(channels), np.eye(channels)[::-1], rotation):
        layer = InvertibleConv1x1(channels, parametrization, start=start, dtype=tf.float64)
        np.testing.assert_allclose(layer.matrix(), start, rtol=0, atol=1e-12)
        np.testing.assert_allclose(layer.inverse_matrix(), start.T, rtol=0, atol=1e-12)


@each
def test_the_log_det_is_that_of_the_matrix_for_every_pixel(parametrization):
    layer = moved(InvertibleConv1x1(4, parametrization, dtype=tf.float64))
    w = layer.matrix().numpy()
    np.testing.assert_allclose(layer.inverse_matrix().numpy() @ w, np.eye(4), rtol=0, atol=1e-10)
    images = tf.constant(RNG.normal(size=[2, 3, 5, 4]))
    _, of_one = np.linalg.slogdet(w)
    claimed = layer.inverse_log_det_jacobian(images, event_ndims=3)
    np.testing.assert_allclose(claimed, [15 * of_one] * 2, rtol=0, atol=1e-10)
    z = layer.inverse(images)
    np.testing.assert_allclose(z, np.einsum("ij,bhwj->bhwi", w, images), rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.forward(tf.identity(z)), images, rtol=0, atol=1e-10)


def test_householder_is_the_product_of_its_reflections():
    layer = moved(InvertibleConv1x1(5, "householder", dtype=tf.float64))
    product = np.eye(5)
    for v in layer.directions.numpy().T:
        product = product @ (np.eye(5) - 2 * np.outer(v, v) / (v @ v))
    np.testing.assert_allclose(layer.matrix(), product, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        layer.matrix() @ tf.transpose(layer.matrix()), np.eye(5), rtol=0, atol=1e-12
    )


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
    np.testing.assert_allclose(covariance, np.cov(data.T), rtol=0, atol=0.15)


def test_lu_keeps_its_permutation_and_signs():
    layer = InvertibleConv1x1(6)
    names = {variable.name.split(":")[0] for variable in layer.trainable_variables}
    assert names == {"entries"}
    assert len(layer.variables) == 3


def test_fixed_trains_nothing_and_is_saved():
    layer = InvertibleConv1x1(6, "fixed")
    assert not layer.trainable_variables
    assert len(layer.variables) == 1


def starts(c):
    """Matrices of every kind: the identity, permutations of several cycles, a rotation, a turn."""
    kinds = {"identity": np.eye(c), "reverse": np.eye(c)[::-1], "shift": np.roll(np.eye(c), 1, 0)}
    kinds["two exchanged"] = np.eye(c)[[1, 0, *range(2, c)]]
    kinds["last turned"] = np.diag([*[1.0] * (c - 1), -1.0])
    kinds["rotation"] = None
    return kinds


@pytest.mark.parametrize(
    ("parametrization", "c"), [*(("householder", c) for c in range(2, 7)), ("qr", 4), ("lu", 4)]
)
def test_it_can_move_in_every_direction_from_its_start(parametrization, c):
    """The Jacobian of W by the variables has the rank that the matrices have dimensions."""
    for kind, start in starts(c).items():
        layer = InvertibleConv1x1(c, parametrization, start=start, dtype=tf.float64)
        with tf.GradientTape(persistent=True) as tape:
            w = tf.reshape(layer.matrix(), [-1])
        jacobians = tape.jacobian(w, layer.trainable_variables, experimental_use_pfor=False)
        jacobian = np.concatenate([np.reshape(j, [c * c, -1]) for j in jacobians], axis=1)
        sizes = np.linalg.svd(jacobian, compute_uv=False)
        rank = c * (c - 1) // 2 if parametrization == "householder" else c * c
        assert np.sum(sizes > 1e-3) == rank, kind
        assert np.all(sizes[rank:] < 1e-12), kind


def test_number_of_reflections():
    counts = {
        (c, kind): InvertibleConv1x1(c, "householder", start=start).directions.shape[1]
        for c in (4, 5)
        for kind, start in starts(c).items()
    }
    assert [counts[c, "identity"] for c in (4, 5)] == [6, 8]
    assert [counts[c, "rotation"] for c in (4, 5)] == [4, 6]
    assert [counts[c, "two exchanged"] for c in (4, 5)] == [5, 7]


@pytest.mark.parametrize("parametrization", ["householder", "qr"])
def test_a_direction_of_zeros_reflects_nothing(parametrization):
    layer = moved(InvertibleConv1x1(4, parametrization, dtype=tf.float64))
    v = layer.directions.numpy()
    v[:, 2] = 0
    layer.directions.assign(v)
    product = np.eye(4)
    for each in v.T[[0, 1, 3]]:
        product = product @ (np.eye(4) - 2 * np.outer(each, each) / (each @ each))
    np.testing.assert_allclose(layer._orthogonal(), product, rtol=0, atol=1e-12)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.inverse(tf.ones([3, 4], tf.float64)) ** 3)
    assert np.isfinite(tape.gradient(loss, layer.directions)).all()


def test_lu_of_a_start_is_scipys():
    """What the weights that come with this package were trained from, to the last bit."""
    layer = InvertibleConv1x1(3, seed=5)
    start = np.linalg.qr(np.random.default_rng(5).normal(size=[3, 3]))[0]
    start[0] *= np.linalg.det(start)
    p, lower, upper = scipy.linalg.lu(start)
    np.testing.assert_array_equal(layer.permutation, p.astype(np.float32))
    entries = np.tril(lower, -1) + np.triu(upper, 1) + np.diag(np.log(np.abs(np.diag(upper))))
    np.testing.assert_array_equal(layer.entries, entries.astype(np.float32))


def test_what_is_refused():
    with pytest.raises(ValueError, match="Unknown parametrization 'svd'; known: lu, qr, house"):
        InvertibleConv1x1(3, "svd")
    with pytest.raises(ValueError, match=r"event_size must be .* got 0"):
        InvertibleConv1x1(0)
    with pytest.raises(ValueError, match=r"start must be a 3 x 3 matrix, got the shape \(2, 2\)"):
        InvertibleConv1x1(3, start=np.eye(2))
    with pytest.raises(ValueError, match="start must be a matrix of real numbers, got 'rotation'"):
        InvertibleConv1x1(3, start="rotation")
    for bad in (1j * np.eye(3), np.eye(3, dtype=bool), [[1, 0, 0], [0, 1]], [["a"] * 3] * 3):
        with pytest.raises(ValueError, match="start must be a matrix of real numbers, got"):
            InvertibleConv1x1(3, start=bad)
    with pytest.raises(ValueError, match=r"give np.eye\(3\)\[\[2, 0, 1\]\]"):
        InvertibleConv1x1(3, start=[2, 0, 1])
    with pytest.raises(ValueError, match=r"got the shape \(3,\)\.$"):
        InvertibleConv1x1(3, start=[2, 2, 1])
    for start in (None, np.eye(3)):
        with pytest.raises(ValueError, match=r"seed must be .*, got -1"):
            InvertibleConv1x1(3, start=start, seed=-1)
    with pytest.raises(ValueError, match=r"start must be orthogonal, but .* is nan off"):
        InvertibleConv1x1(3, start=np.full([3, 3], np.nan))
    with pytest.raises(ValueError, match=r"must be orthogonal, but start @ start.T is 3 off"):
        InvertibleConv1x1(3, start=2 * np.eye(3))
    with pytest.raises(ValueError, match=r"acts on events of size 3, got shape \(2, 4, 4, 2\)"):
        InvertibleConv1x1(3).forward(tf.zeros([2, 4, 4, 2]))
