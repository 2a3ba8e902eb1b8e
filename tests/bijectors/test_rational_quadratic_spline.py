"""The spline against a direct reading of the paper, at its knots, its edges and beyond."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut.bijectors import RationalQuadraticSpline


def _raw(num_bins=8, size=2, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return scale * rng.uniform(-1, 1, size=[3 * num_bins - 1, size])


def _by_the_paper(x, raw, bound, min_bin_size, min_slope):
    """One coordinate, one point, in the paper's own steps (section 3.1, equations 4 and 5)."""
    k = (len(raw) + 1) // 3
    widths, heights = (np.exp(part) / np.exp(part).sum() for part in (raw[:k], raw[k : 2 * k]))
    widths, heights = (min_bin_size + (1 - k * min_bin_size) * part for part in (widths, heights))
    offset = np.log(np.expm1(1 - min_slope))
    slopes = np.concatenate([[1], min_slope + np.log1p(np.exp(raw[2 * k :] + offset)), [1]])
    knots_x = -bound + 2 * bound * np.concatenate([[0], np.cumsum(widths)])
    knots_y = -bound + 2 * bound * np.concatenate([[0], np.cumsum(heights)])
    if not -bound < x < bound:
        return x, 1.0
    i = np.searchsorted(knots_x, x, side="right") - 1
    w, h = knots_x[i + 1] - knots_x[i], knots_y[i + 1] - knots_y[i]
    s, xi = h / w, (x - knots_x[i]) / w
    under = s + (slopes[i + 1] + slopes[i] - 2 * s) * xi * (1 - xi)
    y = knots_y[i] + h * (s * xi**2 + slopes[i] * xi * (1 - xi)) / under
    over = slopes[i + 1] * xi**2 + 2 * s * xi * (1 - xi) + slopes[i] * (1 - xi) ** 2
    return y, s**2 * over / under**2


@pytest.mark.parametrize("num_bins", [1, 2, 8, 16])
def test_is_its_formula(num_bins):
    raw = _raw(num_bins, scale=2.0)
    limits = {"bound": 3.0, "min_bin_size": 0.01, "min_slope": 0.1}
    spline = RationalQuadraticSpline(tf.constant(raw), **limits)
    x = np.random.default_rng(1).uniform(-4, 4, size=[200, 2])
    expected = np.array(
        [[_by_the_paper(v, raw[:, i], **limits) for i, v in enumerate(p)] for p in x]
    )
    np.testing.assert_allclose(spline.forward(x), expected[..., 0], rtol=1e-12, atol=1e-12)
    log_slopes = np.log(expected[..., 1]).sum(axis=1)
    np.testing.assert_allclose(
        spline.forward_log_det_jacobian(x, 1), log_slopes, rtol=0, atol=1e-11
    )


def test_parameters_of_each_point():
    raw = np.stack([_raw(seed=k) for k in range(5)])
    x = np.random.default_rng(2).normal(size=[5, 2])
    together = RationalQuadraticSpline(tf.constant(raw)).forward(x)
    alone = [
        RationalQuadraticSpline(tf.constant(r)).forward(p) for r, p in zip(raw, x, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_passes_through_its_knots_exactly(dtype):
    spline = RationalQuadraticSpline(tf.constant(_raw(scale=3.0), dtype))
    x, y, slopes = spline.knots()
    np.testing.assert_array_equal(spline.forward(x), y)
    # On a knot the root of the quadratic is 0, exactly: the same holds for the inverse.
    np.testing.assert_array_equal(spline.inverse(y), x)
    assert np.all(np.diff(x, axis=0) > 0)
    assert np.all(np.diff(y, axis=0) > 0)
    assert np.all(slopes > 0)
    np.testing.assert_array_equal(slopes[[0, -1]], 1)
    np.testing.assert_array_equal(np.abs(x[[0, -1]]), 5)


def test_slopes_at_the_knots_are_the_parameters():
    spline = RationalQuadraticSpline(tf.constant(_raw(scale=2.0, size=1)))
    x, _, slopes = spline.knots()
    just_right = tf.constant(np.nextafter(x[:-1], 9))
    log_slope = spline.forward_log_det_jacobian(just_right, 1)
    np.testing.assert_allclose(log_slope, np.log(slopes[:-1, 0]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("x", [5.0, -5.0, 5.000001, -7.0, 1e6, -1e6, 1e30, np.inf, -np.inf])
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_outside_it_is_the_identity_exactly(direction, x):
    spline = RationalQuadraticSpline(tf.Variable(_raw(scale=3.0), dtype=tf.float32))
    points = tf.constant([[x, -x]], tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(points)
        value = getattr(spline, direction)(points)
        log_det = getattr(spline, f"{direction}_log_det_jacobian")(tf.identity(points), 1)
        both = tf.reduce_sum(value) + tf.reduce_sum(log_det)
    np.testing.assert_array_equal(value, points)
    np.testing.assert_array_equal(log_det, [0])
    np.testing.assert_array_equal(tape.gradient(value, points), [[1, 1]])
    np.testing.assert_array_equal(tape.gradient(both, spline.raw), np.zeros([23, 2]))


def test_a_nan_stays_a_nan():
    assert np.isnan(RationalQuadraticSpline(tf.zeros([23, 1])).forward([[np.nan]])).all()


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-4), ("float64", 1e-9)])
def test_round_trip_of_one_layer(dtype, limit):
    """Raw parameters in [-1, 1], a hundred splines, a hundred thousand points."""
    spline = RationalQuadraticSpline(tf.constant(_raw(size=100), dtype))
    x = tf.constant(np.random.default_rng(3).uniform(-6, 6, size=[1000, 100]), dtype)
    error = np.abs(spline.inverse(tf.identity(spline.forward(x))) - x)
    assert error.max() < limit


def test_the_inverse_does_not_cancel_in_float32():
    """A wide flat bin with a steep end: the root in the paper's form is off by 0.1 and more."""
    raw = np.array([[20.0], [0.0], [-20.0], [0.0], [970.0]])
    y = np.linspace(-4.9999, -4.9901, 2001)[:, np.newaxis]
    exact = RationalQuadraticSpline(tf.constant(raw)).inverse(y)
    single = RationalQuadraticSpline(tf.constant(raw, tf.float32)).inverse(y.astype(np.float32))
    np.testing.assert_allclose(single, exact, rtol=0, atol=0.01)


@pytest.mark.parametrize("scale", [10.0, 100.0])
def test_extreme_parameters_give_finite_values_and_gradients(scale):
    raw = tf.Variable(_raw(size=50, scale=scale), dtype=tf.float32)
    spline = RationalQuadraticSpline(raw)
    points = tf.constant(np.random.default_rng(4).uniform(-6, 6, size=[200, 50]), tf.float32)
    for direction in ("forward", "inverse"):
        with tf.GradientTape() as tape:
            tape.watch(points)
            value = getattr(spline, direction)(points)
            log_det = getattr(spline, f"{direction}_log_det_jacobian")(tf.identity(points), 1)
            total = tf.reduce_sum(value) + tf.reduce_sum(log_det)
        assert np.isfinite(total)
        assert all(np.isfinite(g).all() for g in tape.gradient(total, [points, raw]))


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_log_dets_are_finite_beside_the_knots(direction):
    """Where rounding pushes a point out of its bin, and steep bins have flat ends."""
    raw = np.random.default_rng(5).uniform(-8, 8, size=[23, 500])
    spline = RationalQuadraticSpline(tf.constant(raw, tf.float32))
    knots = spline.knots()[0 if direction == "forward" else 1]
    for points in (knots, np.nextafter(knots, np.float32(-9))):
        log_det = getattr(spline, f"{direction}_log_det_jacobian")(points, 1)
        assert np.isfinite(log_det).all()


@pytest.mark.parametrize("num_bins", [6, 16])
def test_first_and_second_derivatives_are_those_of_finite_differences(num_bins):
    generator = np.random.default_rng(8)
    raw = tf.constant(generator.normal(size=[20, 3 * num_bins - 1, 1]))
    # Well inside their bins: at a knot the second derivative jumps.
    x = tf.constant(generator.uniform(-4, 4, size=[20, 1]))
    way = tf.constant(generator.normal(size=raw.shape))

    def along(t):
        spline = RationalQuadraticSpline(raw + t * way)
        y = spline.forward(x)
        return tf.reduce_sum(y * y) + tf.reduce_sum(spline.forward_log_det_jacobian(x, 1))

    def derivative(t):
        with tf.GradientTape() as tape:
            tape.watch(t)
            value = along(t)
        return tape.gradient(value, t)

    zero, step = tf.constant(0.0, tf.float64), 1e-5
    with tf.GradientTape() as tape:
        tape.watch(zero)
        first = derivative(zero)
    second = tape.gradient(first, zero)
    slope = (along(zero + step) - along(zero - step)) / (2 * step)
    np.testing.assert_allclose(first, slope, rtol=1e-6)
    bend = (derivative(zero + step) - derivative(zero - step)) / (2 * step)
    np.testing.assert_allclose(second, bend, rtol=1e-5)


def test_zeros_are_the_identity():
    x = np.linspace(-6, 6, 49)[:, np.newaxis]
    spline = RationalQuadraticSpline(tf.zeros([23, 1], tf.float64))
    np.testing.assert_allclose(spline.forward(x), x, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        spline.forward_log_det_jacobian(x, 1), np.zeros(49), rtol=0, atol=1e-14
    )


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"3 K - 1 parameters.*got 22"):
        RationalQuadraticSpline(tf.zeros([22, 1]))
    with pytest.raises(ValueError, match=r"shape \[..., parameters, d\], got \(23,\)"):
        RationalQuadraticSpline(tf.zeros([23]))
    with pytest.raises(ValueError, match=r"8 bins of at least 0.2.*at most 0.125"):
        RationalQuadraticSpline(tf.zeros([23, 1]), min_bin_size=0.2)
    with pytest.raises(ValueError, match="bound must be finite and above 0, got -1"):
        RationalQuadraticSpline(tf.zeros([23, 1]), bound=-1)
    with pytest.raises(ValueError, match="min_slope must be below 1, got 1"):
        RationalQuadraticSpline(tf.zeros([23, 1]), min_slope=1.0)
