import gc
import logging
import weakref

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import evaluation, flows, targets

tfb = tfp.bijectors
tfd = tfp.distributions

FLATTEN = tfb.Reshape([4], [2, 2])
POINTS = np.random.default_rng(0).normal(size=(50, 2))


def gaussian(loc, scale, dtype=np.float64):
    return tfd.MultivariateNormalDiag(np.asarray(loc, dtype), np.asarray(scale, dtype))


def gaussian_kl(p, q):
    """KL(p || q) of two Gaussians with diagonal covariance, in closed form."""
    ratio = p.stddev().numpy() / q.stddev().numpy()
    shift = (p.mean().numpy() - q.mean().numpy()) / q.stddev().numpy()
    return float(np.sum(ratio**2 + shift**2 - 1 - 2 * np.log(ratio)) / 2)


P = gaussian([0.0, 1.0], [1.0, 0.5])
Q = gaussian([0.5, 0.5], [2.0, 0.7])


# --- Divergences ---


@pytest.mark.parametrize("divergence", [evaluation.forward_kl, evaluation.reverse_kl])
def test_kl_of_gaussians_and_its_standard_error(divergence):
    expected = gaussian_kl(P, Q) if divergence is evaluation.forward_kl else gaussian_kl(Q, P)
    estimates = [divergence(P, Q, num_samples=7_000, seed=seed) for seed in range(40)]
    errors = np.array([(e.value - expected) / e.standard_error for e in estimates])
    assert np.max(np.abs(errors)) < 4
    # Were the standard error off by a factor of 1.5, this would be too.
    assert 0.7 < np.std(errors) < 1.4


def test_forward_and_reverse_kl_are_not_confused():
    # p reaches far beyond q: the forward divergence is huge, the reverse one small.
    wide, narrow = gaussian([0.0, 0.0], [4.0, 4.0]), gaussian([0.0, 0.0], [1.0, 1.0])
    assert evaluation.forward_kl(wide, narrow).value > 10
    assert evaluation.reverse_kl(wide, narrow).value < 3


def test_same_seed_same_number_and_another_seed_another():
    first = evaluation.forward_kl(P, Q, num_samples=500, seed=3)
    assert first == evaluation.forward_kl(P, Q, num_samples=500, seed=3)
    assert first != evaluation.forward_kl(P, Q, num_samples=500, seed=4)


def test_reverse_kl_to_an_unnormalised_function_is_short_of_log_z():
    q = gaussian([0.0, 0.0], [1.0, 1.0])
    estimate = evaluation.reverse_kl(lambda z: -(z**2).sum(-1) / 2, q)
    np.testing.assert_allclose(estimate.value, -np.log(2 * np.pi), rtol=0, atol=1e-12)


def test_numbers_follow_the_variables():
    loc = tf.Variable([0.0, 0.0])
    flow = tfd.TransformedDistribution(gaussian([0.0, 0.0], [1.0, 1.0], np.float32), tfb.Shift(loc))
    x = tf.constant(POINTS, tf.float32)
    before = evaluation.forward_kl(flow, flow).value
    stale = evaluation.negative_log_likelihood(flow, x).value
    loc.assign([3.0, 0.0])
    fresh = evaluation.negative_log_likelihood(flow, x).value
    expected = -np.mean(gaussian([3.0, 0.0], [1.0, 1.0]).log_prob(POINTS))
    assert before == 0.0
    assert abs(stale - fresh) > 1
    np.testing.assert_allclose(fresh, expected, rtol=1e-5)


def test_compiled_functions_do_not_keep_a_flow_alive():
    flow = flows.real_nvp(2, num_layers=2, hidden_units=(4,))
    evaluation.log_density(flow, POINTS)
    gone = weakref.ref(flow)
    del flow
    gc.collect()
    assert gone() is None


def test_many_distributions_bring_no_retracing_warnings():
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    tf.get_logger().addHandler(handler)
    try:
        for loc in range(8):
            evaluation.log_density(tfd.Normal(np.float64(loc), np.float64(1.0)), [0.0])
    finally:
        tf.get_logger().removeHandler(handler)
    assert messages == []


def test_infinite_divergence_is_infinite():
    inside = tfd.Uniform(np.float64(0.0), np.float64(1.0))
    estimate = evaluation.forward_kl(tfd.Normal(np.float64(0.0), np.float64(1.0)), inside)
    assert estimate.value == np.inf


def test_kl_trace_ends_at_the_kl_of_the_flow_and_starts_at_the_gaussian():
    flow = flows.planar(2, num_layers=3, dtype=tf.float64)
    trace = evaluation.kl_trace(P, flow, num_samples=1_000, seed=1)
    assert len(trace) == 4
    assert trace[-1] == evaluation.forward_kl(P, flow, num_samples=1_000, seed=1)
    standard = gaussian([0.0, 0.0], [1.0, 1.0])
    np.testing.assert_allclose(
        trace[0], evaluation.forward_kl(P, standard, num_samples=1_000, seed=1), rtol=1e-12
    )


def test_negative_log_likelihood_of_scalars_and_rows():
    x = np.array([0.0, 1.0, 2.0])
    normal = tfd.Normal(np.float64(0.0), np.float64(1.0))
    terms = x**2 / 2 + np.log(2 * np.pi) / 2
    estimate = evaluation.negative_log_likelihood(normal, x)
    np.testing.assert_allclose(estimate, [terms.mean(), terms.std(ddof=1) / np.sqrt(3)])


def test_a_width_of_one_is_not_broadcast():
    """Points of several widths: TensorFlow would from then on compile for any width."""
    flow = flows.radial(2, num_layers=1)
    evaluation.log_density(flow, np.zeros([4, 2]))
    for width in (3, 1):
        with pytest.raises(ValueError, match=rf"event shape \[2\], .* shape \[{width}\]"):
            evaluation.log_density(flow, np.zeros([4, width]))


@pytest.mark.parametrize("count", [1, 4_999, 5_000, 5_001, 12_345])
def test_log_density_in_chunks_is_log_prob(count):
    x = np.random.default_rng(1).normal(size=(count, 2))
    np.testing.assert_allclose(evaluation.log_density(Q, x), Q.log_prob(x), rtol=1e-12)
    np.testing.assert_allclose(evaluation.log_density(Q, x, compiled=False), Q.log_prob(x))
    np.testing.assert_allclose(evaluation.log_density(lambda z: Q.log_prob(z), x), Q.log_prob(x))


def test_estimate_reads_well():
    estimate = evaluation.Estimate(0.123456, 0.00561)
    assert str(estimate) == "0.1235 ± 0.0056"
    assert f"{estimate:.2f}" == "0.12 ± 0.01"
    assert repr(estimate) == "Estimate(0.1235 ± 0.0056)"
    assert f"{evaluation.Estimate(123.4, 25.0)}" == "123 ± 25"
    assert str(evaluation.Estimate(0.0, 0.0)) == "0.0000 ± 0.0000"


# --- Round trips and log-determinants ---


class WrongInverse(tfb.Bijector):
    """y = 2 x, with an inverse that only the cache can make look right."""

    def __init__(self):
        super().__init__(forward_min_event_ndims=0, is_constant_jacobian=True)

    def _forward(self, x):
        return 2.0 * x

    def _inverse(self, y):
        return y / 3.0

    def _forward_log_det_jacobian(self, x):
        return tf.constant(np.log(2.0), x.dtype)


class WrongSign(tfb.Bijector):
    """y = sinh x, with a log-determinant of the wrong sign in one direction."""

    def __init__(self, wrong):
        self.signs = {"forward": 1.0, "inverse": 1.0, wrong: -1.0}
        super().__init__(forward_min_event_ndims=0)

    def _forward(self, x):
        return tf.sinh(x)

    def _inverse(self, y):
        return tf.asinh(y)

    def _forward_log_det_jacobian(self, x):
        return self.signs["forward"] * tf.math.log(tf.cosh(x))

    def _inverse_log_det_jacobian(self, y):
        return self.signs["inverse"] * -0.5 * tf.math.log1p(y**2)


def test_round_trip_error_sees_past_the_cache():
    bijector = WrongInverse()
    x = tf.constant(POINTS)
    # The naive check is satisfied: TFP hands back the x it has kept.
    assert np.max(np.abs(bijector.inverse(bijector.forward(x)) - x)) == 0.0
    error = evaluation.round_trip_error(bijector, x)
    np.testing.assert_allclose(error, np.max(np.abs(POINTS)) / 3)
    np.testing.assert_allclose([error.forward, error.inverse], float(error))


def test_round_trip_error_of_a_flow_and_of_one_direction():
    flow = flows.real_nvp(2, num_layers=2, dtype=tf.float64)
    assert evaluation.round_trip_error(flow, POINTS) < 1e-12
    error = evaluation.round_trip_error(tfb.Exp(), -np.abs(POINTS))
    assert error.forward < 1e-15
    assert np.isnan(error.inverse)
    assert np.isnan(error)
    assert not error < 1e-3


def test_an_inverted_bijector_is_not_unwrapped():
    error = evaluation.round_trip_error(tfb.Invert(tfb.Exp()), -np.abs(POINTS))
    assert np.isnan(error.forward)
    assert error.inverse < 1e-15


@pytest.mark.parametrize("wrong", ["forward", "inverse"])
def test_log_det_error_finds_a_wrong_sign(wrong):
    error = evaluation.log_det_error(WrongSign(wrong), POINTS)
    right = {"forward": "inverse", "inverse": "forward"}[wrong]
    assert getattr(error, right) < 1e-12
    assert getattr(error, wrong) > 1.0
    assert float(error) == getattr(error, wrong)


@pytest.mark.parametrize(
    ("bijector", "x"),
    [
        (tfb.Sinh(), POINTS[:, 0]),
        (tfb.Sinh(), POINTS),
        (tfb.Sinh(), POINTS.reshape(5, 2, 5, 2)),
        (tfb.ScaleMatvecTriL(np.array([[2.0, 0.0], [1.0, -3.0]])), POINTS),
        (tfb.Chain([tfb.Sinh(), tfb.ScaleMatvecTriL(np.array([[2.0, 0.0], [1.0, 3.0]]))]), POINTS),
        (tfb.Chain([tfb.Invert(FLATTEN), tfb.Sinh(), FLATTEN]), POINTS.reshape(25, 2, 2)),
        (tfb.Identity(), POINTS),
    ],
    ids=["scalars", "elementwise", "images", "triangular", "chain", "reshape", "identity"],
)
def test_log_det_error_of_right_bijectors_is_rounding(bijector, x):
    assert evaluation.log_det_error(bijector, x) < 1e-10


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("make", [flows.planar, flows.radial, flows.real_nvp])
def test_flows_pass_their_checks(make, dtype):
    flow = make(2, num_layers=2, dtype=dtype)
    for k, variable in enumerate(flow.trainable_variables):  # away from the identity
        variable.assign_add(0.1 * tf.random.stateless_normal(variable.shape, [k, 0], dtype=dtype))
    tolerance = 1e-4 if dtype == tf.float32 else 1e-9
    assert evaluation.log_det_error(flow, POINTS) < tolerance
    assert evaluation.round_trip_error(flow, POINTS) < tolerance


@pytest.mark.parametrize("check", [evaluation.round_trip_error, evaluation.log_det_error])
@pytest.mark.parametrize("x", [0.5, [1.0, 2.0], np.empty((0, 2))], ids=["scalar", "row", "empty"])
def test_too_few_axes_are_refused(check, x):
    with pytest.raises(ValueError, match=rf"shape \[{', '.join(map(str, np.shape(x)))}\]"):
        check(tfb.ScaleMatvecTriL(np.eye(2)), x)


# --- Integrals ---


class Checkers(tfd.Distribution):
    """Uniform on the black squares of an n x n board on [-4, 4]^2, shifted off any dyadic grid."""

    def __init__(self, n, shift):
        self.n, self.shift = n, shift
        super().__init__(
            dtype=tf.float64,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
        )

    def _event_shape(self):
        return tf.TensorShape([2])

    def _log_prob(self, x):
        cell = tf.floor((x - self.shift + 4.0) * self.n / 8.0)
        inside = tf.reduce_all((cell >= 0) & (cell < self.n), axis=-1)
        black = tf.math.floormod(tf.reduce_sum(cell, axis=-1), 2.0) == 0.0
        level = tf.constant(-np.log(32.0), tf.float64)
        return tf.where(inside & black, level, tf.constant(-np.inf, tf.float64))


@pytest.mark.parametrize(
    ("distribution", "bounds", "expected", "tolerance"),
    [
        (tfd.Normal(np.float64(0.0), np.float64(1.0)), (-1, 1), 0.682689492137086, 1e-9),
        (tfd.Uniform(np.float64(0.0), np.float64(1.0)), (-0.3, 2.1), 1.0, 1e-4),
        (tfd.Cauchy(np.float64(0.0), np.float64(1.0)), (-50, 50), 2 * np.arctan(50) / np.pi, 1e-8),
        (gaussian([0.0, 1.0], [1.0, 0.01]), None, 1.0, 1e-4),
        (gaussian([3.0], [0.1]), None, 1.0, 1e-9),
        (lambda z: -(z**2).sum(-1) / 2, ((-9, 9), (-9, 9)), 2 * np.pi, 1e-8),
        (lambda x: -np.abs(x), (-40, 40), 2.0, 1e-4),
        (Checkers(4, shift=0.0), ((-4, 4), (-4, 4)), 1.0, 1e-9),
        (Checkers(4, shift=0.1234), ((-5, 5), (-5, 5)), 1.0, 1e-3),
        (Checkers(40, shift=0.1234), ((-5, 5), (-5, 5)), 1.0, 1e-3),
    ],
    ids=["normal", "uniform", "cauchy", "thin", "one", "function", "kink", "even", "board", "fine"],
)
def test_integrals_that_are_known(distribution, bounds, expected, tolerance):
    assert abs(evaluation.integral(distribution, bounds) - expected) < tolerance


def test_integrates_to_one_and_not():
    assert evaluation.integrates_to_one(tfd.Normal(0.0, 1.0))
    assert not evaluation.integrates_to_one(lambda x: -(x**2) / 2, bounds=(-9, 9))
    assert not evaluation.integrates_to_one(tfd.Normal(0.0, 1.0), bounds=(-3, 3))
    assert evaluation.integrates_to_one(tfd.Normal(0.0, 1.0), bounds=(-3, 3), tolerance=3e-3)


def test_a_flow_integrates_to_one():
    assert evaluation.integrates_to_one(flows.radial(2, num_layers=2))


# --- Refusals ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.forward_kl(P, Q, num_samples=1), "at least 2 .* got 1"),
        (lambda: evaluation.reverse_kl(P, Q, num_samples=0), "num_samples .* got 0"),
        (lambda: evaluation.kl_trace(P, Q, num_samples=2.5), "num_samples .* got 2.5"),
        (lambda: evaluation.negative_log_likelihood(P, [[0.0, np.nan]]), r"row 0 .*nan"),
        (lambda: evaluation.negative_log_likelihood(P, [[0.0, 1.0]]), "got 1"),
        (lambda: evaluation.integral(P, (0, 1, 2)), r"got \(0, 1, 2\)"),
        (lambda: evaluation.integral(P, ((1, 0), (0, 1))), r"got \(\(1, 0\), \(0, 1\)\)"),
        (lambda: evaluation.integral(P, tolerance=0.0), "tolerance .* got 0.0"),
        (lambda: evaluation.integral(gaussian([0.0] * 3, [1.0] * 3)), r"\(3,\)"),
        (lambda: evaluation.integral(P, (0, 1)), r"2 coordinates, got \(0, 1\)"),
        (lambda: evaluation.integral(lambda x: x), "bounds must be given"),
        (lambda: evaluation.log_density(lambda x: x, POINTS), r"shape \[50\], got \[50, 2\]"),
        (lambda: evaluation.log_density(lambda x: np.log(x[:, 0]), [[1, 1], [-1.0, 1]]), "row 1"),
        (lambda: evaluation.log_density(tfd.Normal(0.0, 1.0), POINTS), r"\[2\]"),
        (lambda: evaluation.log_density(tfd.Normal(0.0, 1.0), 0.0), "axis over points, got 0.0"),
        (lambda: evaluation.log_density("moons", POINTS), "log-density is needed, got 'moons'"),
        (lambda: evaluation.log_density(targets.energy("U1"), POINTS), "minus a log-density"),
        (lambda: evaluation.reverse_kl(targets.energy("U1"), P), r"lambda z: -energy\(z\)"),
        (lambda: evaluation.forward_kl(lambda x: x, Q), "`sample` is needed, got <function"),
        (lambda: evaluation.forward_kl(P, Q, seed=None), "seed .* got None"),
        (lambda: evaluation.reverse_kl(P, Q, seed=-1), "seed .* got -1"),
        (lambda: evaluation.forward_kl(P, gaussian([0.0] * 3, [1.0] * 3)), r"\[3\].*\[2\]"),
        (
            lambda: evaluation.negative_log_likelihood(None, POINTS),
            "`log_prob` is needed, got None",
        ),
        (lambda: evaluation.reverse_kl(P, None), "`sample` and `log_prob` is needed, got None"),
        (
            lambda: evaluation.log_density(gaussian(np.zeros([3, 2]), [1.0, 1.0]), POINTS[:3]),
            r"batch shape \(3,\)",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_refusals_name_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda flow: evaluation.log_density(flow, POINTS),
        lambda flow: evaluation.negative_log_likelihood(flow, POINTS),
        lambda flow: evaluation.bits_per_dim(flow, np.zeros([4, 2], np.uint8)),
        lambda flow: evaluation.forward_kl(P, flow),
        lambda flow: evaluation.forward_kl(flow, P),
        lambda flow: evaluation.reverse_kl(P, flow),
        lambda flow: evaluation.kl_trace(P, flow),
        lambda flow: evaluation.integral(flow),
        lambda flow: evaluation.integral(flow, ((-1, 1), (-1, 1))),
        lambda flow: flows.layers(flow),
        lambda flow: flows.prefixes(flow),
    ],
)
def test_a_conditional_flow_needs_its_context(call):
    flow = flows.conditional_normal(2, 3, (4,))
    message = r"is a ConditionalFlow, .*: give flow\(context\), where context holds 3 numbers"
    with pytest.raises(ValueError, match=message):
        call(flow)
