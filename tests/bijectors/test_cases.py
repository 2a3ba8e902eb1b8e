"""Every public bijector, through one set of checks; a test fails for a name without a case."""

import functools
import inspect

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import bijectors, evaluation
from normflows_tut.bijectors.invertible_conv import PARAMETRIZATIONS
from normflows_tut.networks import MADE, MLP, ConvNet

tfb = tfp.bijectors


def _randomized(bijector, seed=0):
    """Moves every variable off its start, where a mistake could hide."""
    rng = np.random.default_rng(seed)
    for variable in bijector.trainable_variables:
        # Weights of a network by their number of inputs, so that raw parameters stay near
        # [-1, 1]: beyond that steep pieces, and not the arithmetic, limit a round trip.
        inputs = variable.shape[0] if variable.shape.rank == 2 else 1
        change = 0.3 / np.sqrt(inputs) * rng.normal(size=variable.shape)
        variable.assign_add(tf.cast(change, variable.dtype))
    return bijector


def _coupling(flip, size, dtype):
    passed = size - size // 2 if flip else size // 2
    network = MLP(passed, 2 * (size - passed), (16,), activation="tanh", dtype=dtype)
    return bijectors.AffineCoupling(size, network, flip=flip, dtype=dtype)


def _raw(shape, dtype, scale=1.0):
    return tf.Variable(scale * np.random.default_rng(3).normal(size=shape), dtype=dtype)


def _from_data(raw):
    return tfb.Invert(bijectors.RationalQuadraticSpline(raw))


def _spline_coupling(transform, dtype):
    network = MLP(1, 2 * 11, (16,), activation="tanh", dtype=dtype)
    return bijectors.Coupling(3, network, transform, dtype=dtype)


def _autoregressive(transform, count, dtype, order=(2, 0, 1)):
    size = len(order)
    made = MADE(size, count, (16, 16), order=order, activation="tanh", dtype=dtype)
    return bijectors.MaskedAutoregressive(size, made, transform, dtype=dtype)


def _on_vectors(bijector, shape_in, shape_out):
    """A bijector on images as one on vectors of their pixels; [d] for one that is on vectors."""
    size = int(np.prod(shape_in))
    chain = [tfb.Reshape([size], shape_out), bijector]
    return tfb.Chain(chain if len(shape_in) == 1 else [*chain, tfb.Reshape(shape_in, [size])])


def _multiscale(dtype):
    levels = [
        tfb.Chain(
            [
                tfb.Invert(bijectors.Squeeze()),
                bijectors.ActNorm(channels, dtype=dtype),
                bijectors.AffineCoupling(
                    channels,
                    ConvNet(channels // 2, channels, 4, 1, activation="tanh", dtype=dtype),
                    dtype=dtype,
                ),
            ]
        )
        for channels in (4, 8)
    ]
    return _on_vectors(bijectors.Multiscale((4, 4, 1), levels, dtype=dtype), [16], (4, 4, 1))


def _dequantization(dtype):
    network = MLP(2, 2 * 5, (8,), activation="tanh", dtype=dtype)
    spline = functools.partial(bijectors.RationalQuadraticSpline, bound=0.5)
    return bijectors.Dequantization(2, lambda x: network(x / 4), spline, dtype=dtype)


def _conditional(dtype):
    def planar(raw):
        return bijectors.Planar(2, raw=raw, dtype=dtype)

    network = MLP(2, 5, (8,), activation="tanh", zero_last=False, dtype=dtype)
    layer = bijectors.Conditional(2, network, planar, dtype=dtype)
    return bijectors.given(layer, tf.constant([0.3, -1.0], dtype))


def _coupling_given(dtype):
    network = MLP(1, 4, (16,), context_size=2, activation="tanh", dtype=dtype)
    layer = bijectors.AffineCoupling(3, network, dtype=dtype)
    return bijectors.given(layer, tf.constant([0.3, -1.0], dtype))


def _autoregressive_given(dtype):
    made = MADE(3, 2, (16, 16), context_size=2, activation="tanh", dtype=dtype)
    layer = bijectors.MaskedAutoregressive(3, made, bijectors.BoundedAffine, dtype=dtype)
    return bijectors.given(layer, tf.constant([0.3, -1.0], dtype))


# name -> (event size or None if elementwise, dtype -> bijector)
CASES = {
    "ActNorm": (3, lambda dtype: bijectors.ActNorm(3, dtype=dtype)),
    "AffineCoupling": (3, lambda dtype: _coupling(False, 3, dtype)),
    "AffineCoupling, flipped": (3, lambda dtype: _coupling(True, 3, dtype)),
    "AffineCoupling, smallest": (2, lambda dtype: _coupling(False, 2, dtype)),
    "BoundedAffine": (3, lambda dtype: bijectors.BoundedAffine(_raw([2, 3], dtype))),
    "Conditional": (2, _conditional),
    "Conditional, coupling": (3, _coupling_given),
    "Conditional, autoregressive": (3, _autoregressive_given),
    "Coupling": (
        3,
        lambda dtype: _spline_coupling(bijectors.RationalQuadraticSpline, dtype),
    ),
    "Coupling, from data": (3, lambda dtype: _spline_coupling(_from_data, dtype)),
    "Dequantization": (2, _dequantization),
    "DeepSigmoid": (2, lambda dtype: bijectors.DeepSigmoid(_raw([12, 2], dtype))),
    **{
        f"InvertibleConv1x1, {kind}": (
            3,
            lambda dtype, kind=kind: bijectors.InvertibleConv1x1(3, kind, dtype=dtype),
        )
        for kind in PARAMETRIZATIONS
    },
    "MaskedAutoregressive": (
        3,
        lambda dtype: _autoregressive(bijectors.BoundedAffine, 2, dtype),
    ),
    "MaskedAutoregressive, splines": (
        3,
        lambda dtype: _autoregressive(bijectors.RationalQuadraticSpline, 11, dtype),
    ),
    "MaskedAutoregressive, from data": (3, lambda dtype: _autoregressive(_from_data, 11, dtype)),
    "MaskedAutoregressive, sigmoids": (
        2,
        lambda dtype: _autoregressive(bijectors.DeepSigmoid, 12, dtype, order=(1, 0)),
    ),
    "Multiscale": (16, _multiscale),
    "Planar": (2, lambda dtype: bijectors.Planar(2, u=[1.0, 0.5], w=[2.0, -1.0], dtype=dtype)),
    "Planar, u against w": (
        3,
        lambda dtype: bijectors.Planar(3, u=[-3.0, 0.5, 0.0], w=[2.0, -1.0, 0.5], dtype=dtype),
    ),
    "Planar, 1-D": (1, lambda dtype: bijectors.Planar(1, u=[-2.0], w=[1.5], dtype=dtype)),
    "Radial": (2, lambda dtype: bijectors.Radial(2, alpha=0.7, beta=2.0, dtype=dtype)),
    "Radial, pulling in": (3, lambda dtype: bijectors.Radial(3, beta=-1.0, dtype=dtype)),
    "Radial, 1-D": (1, lambda dtype: bijectors.Radial(1, beta=2.0, dtype=dtype)),
    "RationalQuadraticSpline": (
        2,
        lambda dtype: bijectors.RationalQuadraticSpline(_raw([11, 2], dtype, 0.5)),
    ),
    "Softlog": (None, lambda dtype: bijectors.Softlog()),
    "Softsquare": (None, lambda dtype: bijectors.Softsquare(0.5, 0.7)),
    "Softsquare, linear": (None, lambda dtype: bijectors.Softsquare(2.0, 0.0)),
    "Squeeze": (16, lambda dtype: _on_vectors(bijectors.Squeeze(), (4, 4, 1), (2, 2, 4))),
}
ON_IMAGES = ("Multiscale", "Squeeze")
DTYPES = [tf.float32, tf.float64]
each_case = pytest.mark.parametrize("name", CASES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)


def _make(name, dtype):
    size, factory = CASES[name]
    return _randomized(factory(dtype)), size or 2


def _points(size, dtype, count=64, scale=2.0):
    points = scale * np.random.default_rng(1).normal(size=[count, size])
    return tf.constant(points, dtype)


def test_every_public_bijector_has_a_case():
    public = {
        name
        for name in bijectors.__all__
        if inspect.isclass(getattr(bijectors, name))
        and issubclass(getattr(bijectors, name), tfb.Bijector)
    }
    assert public == {name.split(",")[0] for name in CASES}


@each_dtype
@each_case
def test_round_trips(name, dtype):
    bijector, size = _make(name, dtype)
    x = _points(size, dtype)
    # A new tensor object each time: the bijector remembers the one it returned.
    there_and_back = bijector.inverse(tf.identity(bijector.forward(x)))
    back_and_there = bijector.forward(tf.identity(bijector.inverse(tf.identity(x))))
    tolerance = {tf.float32: 1e-5, tf.float64: 1e-13}[dtype]
    np.testing.assert_allclose(there_and_back, x, rtol=0, atol=10 * tolerance)
    np.testing.assert_allclose(back_and_there, x, rtol=0, atol=tolerance)


@each_case
def test_two_made_alike_do_not_remember_for_each_other(name):
    size, factory = CASES[name]
    first, second = _randomized(factory(tf.float64), 0), _randomized(factory(tf.float64), 1)
    y = first.forward(_points(size or 2, tf.float64))
    np.testing.assert_allclose(second.inverse(y), second.inverse(tf.identity(y)), rtol=0, atol=1e-9)


@each_case
def test_log_dets_agree_with_autodiff(name):
    bijector, size = _make(name, tf.float64)
    assert evaluation.log_det_error(bijector, _points(size, tf.float64)) < 1e-10
    inverse = tfb.Invert(bijector)
    assert evaluation.log_det_error(inverse, _points(size, tf.float64)) < 1e-10


@each_dtype
@each_case
def test_values_and_gradients_are_finite_at_the_edges(name, dtype):
    bijector, size = _make(name, dtype)
    reach = 60.0 if name.startswith("Softlog") else 1e4  # the inverse is an exponential
    edges = np.array([0.0, 1e-30, -1e-30, 1.0, reach, -reach])
    x = tf.constant(np.repeat(edges[:, np.newaxis], size, axis=1), dtype)
    rank = bijector.forward_min_event_ndims
    for direction in ("forward", "inverse"):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            value = getattr(bijector, direction)(tf.identity(x))
            log_det = getattr(bijector, f"{direction}_log_det_jacobian")(tf.identity(x), rank)
        assert np.isfinite(value).all()
        assert np.isfinite(log_det).all()
        assert np.isfinite(tape.gradient(value, x)).all()
        # A log-det that is constant in x has no gradient.
        gradient = tape.gradient(log_det, x, unconnected_gradients="zero")
        assert np.isfinite(gradient).all()


@each_case
def test_gradients_reach_every_variable(name):
    bijector, size = _make(name, tf.float64)
    x = _points(size, tf.float64)
    rank = bijector.forward_min_event_ndims
    with tf.GradientTape() as tape:
        z = bijector.inverse(x)
        loss = tf.reduce_sum(tf.square(z)) - tf.reduce_sum(
            bijector.inverse_log_det_jacobian(x, rank)
        )
    gradients = tape.gradient(loss, bijector.trainable_variables)
    assert all(g is not None and np.any(g != 0) for g in gradients)
    assert all(np.isfinite(g).all() for g in gradients)


@each_case
def test_gradients_of_the_inverse_agree_with_differences(name):
    bijector, size = _make(name, tf.float64)
    y = _points(size, tf.float64, count=5)
    rank = bijector.forward_min_event_ndims

    def loss():
        z = bijector.inverse(tf.identity(y))
        log_det = bijector.inverse_log_det_jacobian(tf.identity(y), rank)
        return tf.reduce_sum(tf.sin(z)) + tf.reduce_sum(log_det)

    with tf.GradientTape() as tape:
        value = loss()
    if len(bijector.trainable_variables) > 9:  # two more losses each: a graph is faster
        loss = tf.function(loss)
    gradients = tape.gradient(value, bijector.trainable_variables)
    for variable, gradient in zip(bijector.trainable_variables, gradients, strict=True):
        direction = np.random.default_rng(2).normal(size=variable.shape)
        start, step = variable.numpy(), 1e-6
        variable.assign(start + step * direction)
        up = loss()
        variable.assign(start - step * direction)
        down = loss()
        variable.assign(start)
        slope = float(up - down) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-5, abs=1e-6)


@each_case
def test_saves_and_restores(name, tmp_path):
    bijector, size = _make(name, tf.float64)
    x = _points(size, tf.float64)
    path = tf.train.Checkpoint(bijector=bijector).write(str(tmp_path / "weights"))
    other = CASES[name][1](tf.float64)
    tf.train.Checkpoint(bijector=other).read(path).assert_consumed()
    np.testing.assert_array_equal(other.forward(x), bijector.forward(tf.identity(x)))


@each_case
def test_compiled_agrees_with_eager(name):
    bijector, size = _make(name, tf.float64)
    x = _points(size, tf.float64)
    rank = bijector.forward_min_event_ndims

    @tf.function(jit_compile=True)
    def compiled(x):
        return bijector.inverse(x), bijector.inverse_log_det_jacobian(x, rank)

    z, log_det = compiled(x)
    np.testing.assert_allclose(z, bijector.inverse(tf.identity(x)), rtol=0, atol=1e-12)
    eager_log_det = bijector.inverse_log_det_jacobian(tf.identity(x), rank)
    np.testing.assert_allclose(log_det, eager_log_det, rtol=0, atol=1e-12)


@each_case
def test_batches_of_any_rank(name):
    bijector, size = _make(name, tf.float64)
    x = _points(size, tf.float64, count=12)
    cube = tf.reshape(x, [3, 4, size])
    rank = bijector.forward_min_event_ndims
    for direction in ("forward", "inverse"):
        flat = getattr(bijector, direction)(x)
        np.testing.assert_allclose(
            tf.reshape(getattr(bijector, direction)(cube), [12, size]), flat, rtol=0, atol=1e-13
        )
        flat_log_det = getattr(bijector, f"{direction}_log_det_jacobian")(x, rank)
        cube_log_det = getattr(bijector, f"{direction}_log_det_jacobian")(cube, rank)
        np.testing.assert_allclose(
            tf.reshape(cube_log_det, flat_log_det.shape), flat_log_det, rtol=0, atol=1e-13
        )


@pytest.mark.parametrize(
    "name", [n for n, (size, _) in CASES.items() if size and n not in ON_IMAGES]
)
def test_another_width_is_refused(name):
    bijector, size = _make(name, tf.float64)
    wrong = tf.zeros([4, size + 1], tf.float64)
    for method in (bijector.forward, bijector.inverse):
        with pytest.raises(ValueError, match=f"size {size}"):
            method(wrong)
