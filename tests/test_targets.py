"""Known densities: against other code, against their own samples, and against 1."""

import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import targets
from normflows_tut.targets import _base, _curves

tfd = tfp.distributions
NAMES = targets.names()
SEED = [3, 1]


@pytest.fixture(scope="module")
def exact():
    """Every target in float64, made once."""
    return {name: targets.make(name, tf.float64) for name in NAMES}


def _samples(target, n, seed=SEED):
    return target.sample(n, seed=seed).numpy()


def _product_grid(low, high, panels, nodes):
    """Composite Gauss-Legendre nodes and weights on [low, high]."""
    edges = np.linspace(low, high, panels + 1)
    pieces = [_base.gauss_legendre(a, b, nodes) for a, b in itertools.pairwise(edges)]
    return np.concatenate(pieces, axis=1)


# Independent densities: other formulas, scipy's adaptive quadrature.


def _line_integral(curve, low, high, scale, x):
    """Density of a curve with Gaussian noise, by adaptive quadrature around its peaks."""

    def integrand(t):
        d = np.subtract(x, curve(t))
        return np.exp(-(d @ d) / (2 * scale**2)) / (2 * np.pi * scale**2)

    edges = np.linspace(low, high, 33)
    pieces = (
        scipy.integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-10)[0]
        for a, b in itertools.pairwise(edges)
    )
    return sum(pieces) / (high - low)


def _circle(radius):
    return lambda t: (radius * np.cos(t), radius * np.sin(t))


def _spiral_density(x):
    box, scale = 0.5 / 3, 0.1

    def coordinate(offset):
        normal = scipy.stats.norm
        return (normal.cdf(offset / scale) - normal.cdf((offset - box) / scale)) / box

    def integrand(u, point):
        n = np.sqrt(u) * 3 * np.pi
        x0, y0 = -np.cos(n) * n / 3, np.sin(n) * n / 3
        return coordinate(point[0] - x0) * coordinate(point[1] - y0)

    edges = np.linspace(0, 1, 33)
    return sum(
        scipy.integrate.quad(integrand, a, b, args=(point,), epsabs=1e-13, epsrel=1e-10)[0] / 2
        for a, b in itertools.pairwise(edges)
        for point in (x, -x)
    )


def _mixture_density(num_components, x):
    turns = np.arange(num_components) / num_components
    means = 4 / 1.414 * np.exp(2j * np.pi * turns)
    covariance = (0.5 / 1.414) ** 2 * np.eye(2)
    return np.mean(
        [scipy.stats.multivariate_normal([m.real, m.imag], covariance).pdf(x) for m in means]
    )


def _pinwheel_density(x):
    f = complex(*x) / 2  # undo the clockwise turn in the complex plane
    blades = [f * np.exp(1j * (2 * np.pi * k / 5 + 0.25 * np.exp(abs(f)))) for k in range(5)]
    normal = scipy.stats.norm.pdf
    return np.mean([normal(b.real, 1, 0.3) * normal(b.imag, 0, 0.1) for b in blades]) / 4


REFERENCES = {
    "swissroll": lambda x: _line_integral(
        lambda t: (t * np.cos(t) / 5, t * np.sin(t) / 5), 1.5 * np.pi, 4.5 * np.pi, 0.2, x
    ),
    "circles": lambda x: np.mean(
        [_line_integral(_circle(3 * r), 0, 2 * np.pi, 0.24, x) for r in (1, 0.5)]
    ),
    "rings": lambda x: np.mean(
        [_line_integral(_circle(3 * r), 0, 2 * np.pi, 0.08, x) for r in (1, 0.75, 0.5, 0.25)]
    ),
    "moons": lambda x: np.mean(
        [
            _line_integral(lambda t: (2 * np.cos(t) - 1, 2 * np.sin(t) - 0.2), 0, np.pi, 0.2, x),
            _line_integral(
                lambda t: (2 * (1 - np.cos(t)) - 1, 2 * (1 - np.sin(t) - 0.5) - 0.2),
                *(0, np.pi, 0.2, x),
            ),
        ]
    ),
    "4gaussians": lambda x: _mixture_density(4, x),
    "8gaussians": lambda x: _mixture_density(8, x),
    "pinwheel": _pinwheel_density,
    "2spirals": _spiral_density,
    "checkerboard": lambda x: ((np.floor(x[0] / 2) + np.floor(x[1] / 2)) % 2 == 0) / 32,
    "line": lambda x: _line_integral(lambda t: (t, t), -2.5, 2.5, 0.1, x),
    "cos": lambda x: _line_integral(lambda t: (t, 2.5 * np.sin(t)), -2.5, 2.5, 0.1, x),
    "banana": lambda x: (
        scipy.stats.norm.pdf(x[1], 0, 4) * scipy.stats.norm.pdf(x[0], x[1] ** 2 / 4, 1)
    ),
    "uniform": lambda x: 1 / 64,
}


def test_the_known_names():
    assert tuple(REFERENCES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_density_against_another_formula(name, exact):
    points = _samples(exact[name], 6)
    ours = exact[name].log_prob(points).numpy()
    np.testing.assert_allclose(
        ours, [np.log(REFERENCES[name](x)) for x in points], rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_exact_to_1e_4_where_samples_fall(name, exact):
    target = targets.make(name)
    points = target.sample(5000, seed=SEED)
    error = target.log_prob(points).numpy() - exact[name].log_prob(points).numpy()
    assert target.log_prob(points).dtype == points.dtype == tf.float32
    assert np.abs(error).max() < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_integrates_to_one_within_bounds(name, exact):
    target = exact[name]
    # Panels of even number: their edges fall on those of the checkerboard.
    panels = (40, 24) if name == "banana" else (16, 16)
    (x, wx), (y, wy) = (
        _product_grid(*side, n, 8) for side, n in zip(target.bounds, panels, strict=True)
    )
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    mass = wy @ np.exp(target.log_prob(grid).numpy()) @ wx
    assert 1 - 2e-6 < mass < 1 + 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_samples_follow_the_density(name, dtype, exact):
    """Chi-square over 12 x 12 cells at a fixed seed; fails 1 time in 10,000 by chance."""
    n, side = 40_000, 12
    sampler = targets.make(name, dtype)
    points = sampler.sample(n, seed=SEED).numpy()
    box = exact[name].view
    counts, _, _ = np.histogram2d(*points.T, bins=side, range=box)
    (x, wx), (y, wy) = (_product_grid(*edge, side, 8) for edge in box)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    mass = np.exp(exact[name].log_prob(grid).numpy()) * np.outer(wx, wy)
    expected = n * mass.reshape(side, 8, side, 8).sum(axis=(1, 3)).ravel()
    full = expected >= 5  # what is rare is one cell more
    observed = np.append(counts.ravel()[full], n - counts.ravel()[full].sum())
    expected = np.append(expected[full], n - expected[full].sum())
    keep = expected > 1
    statistic = ((observed - expected)[keep] ** 2 / expected[keep]).sum()
    assert scipy.stats.chi2.sf(statistic, keep.sum() - 1) > 1e-4
    assert np.abs(observed - expected)[~keep].sum() < 12


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold_all_samples(name, exact):
    points = _samples(exact[name], 100_000)
    (x0, x1), (y0, y1) = exact[name].bounds
    outside = (points < [x0, y0]) | (points > [x1, y1])
    assert outside.any(axis=-1).sum() <= 2  # 0.1 expected


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_reproducible_and_compile(name):
    target = targets.make(name)
    compiled = tf.function(lambda seed: target.sample(256, seed=seed), jit_compile=True)
    first, again = compiled(tf.constant(SEED)), compiled(tf.constant(SEED))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - compiled(tf.constant([3, 2]))).max() > 0
    assert np.isfinite(target.log_prob(first).numpy()).all()
    np.testing.assert_array_equal(target.sample(9, seed=SEED), target.sample(9, seed=SEED))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("name", NAMES)
def test_never_nan_and_gradients_finite(name, dtype):
    target = targets.make(name, dtype)
    far = [[0, 0], [4, 4], [-4, -4], [30, -40], [1e3, 1e3], [1e6, 0], [1e12, 1], [np.inf, 0]]
    points = tf.concat([tf.constant(far, dtype), target.sample(200, seed=SEED)], axis=0)
    with tf.GradientTape() as tape:
        tape.watch(points)
        log_prob = target.log_prob(points)
    gradient = tape.gradient(log_prob, points).numpy()
    log_prob = log_prob.numpy()
    assert not np.isnan(log_prob).any()
    assert (log_prob < 5).all()
    assert log_prob[7] == -np.inf
    assert np.isfinite(gradient[np.isfinite(log_prob)]).all()
    assert np.isnan(target.log_prob([np.nan, 0.0]).numpy())


@pytest.mark.parametrize("name", NAMES)
def test_gradient_against_central_differences(name, exact):
    points = tf.constant(_samples(exact[name], 20))
    with tf.GradientTape() as tape:
        tape.watch(points)
        log_prob = exact[name].log_prob(points)
    gradient = tape.gradient(log_prob, points).numpy()
    for axis, step in enumerate(1e-6 * np.eye(2)):
        upper, lower = exact[name].log_prob(points + step), exact[name].log_prob(points - step)
        np.testing.assert_allclose(gradient[:, axis], (upper - lower) / 2e-6, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "nodes"), [("swissroll", 256), ("moons", 64), ("cos", 256)])
def test_doubling_the_nodes_of_a_curve_changes_nothing(name, nodes, exact):
    target = exact[name]
    arguments = {**target.parameters, "num_nodes": 2 * nodes}
    finer = _curves.NoisyCurve(**arguments)
    points = _samples(target, 500)
    away = points + 0.6 * np.random.default_rng(0).normal(size=points.shape)  # 3 to 6 s.d.
    assert target.parameters["num_nodes"] == nodes
    for x in (points, away):
        np.testing.assert_allclose(target.log_prob(x), finer.log_prob(x), atol=1e-6, rtol=0)


def test_doubling_the_nodes_of_the_spirals_changes_nothing(exact):
    target, finer = exact["2spirals"], _curves.Spirals(640, tf.float64)
    points = _samples(target, 500)
    away = points + 0.4 * np.random.default_rng(0).normal(size=points.shape)
    assert target.parameters["num_nodes"] == 320
    for x in (points, away):
        np.testing.assert_allclose(target.log_prob(x), finer.log_prob(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_log_normal_interval_against_scipy(dtype):
    low = np.array([-40.0, -12.0, -8.0, -1.0, -0.8, 0.0, 3.0, 9.9, 20.0, 40.0])
    high = low + 5 / 3
    mirrored = np.where(low > 0, -high, low), np.where(low > 0, -low, high)
    logs = [scipy.stats.norm.logcdf(z) for z in mirrored]
    expected = logs[1] + np.log1p(-np.exp(logs[0] - logs[1]))
    ours = _base.log_normal_interval(tf.constant(low, dtype), tf.constant(high, dtype))
    tolerance = 1e-5 if dtype == tf.float32 else 2e-8
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["swissroll", "rings", "checkerboard", "banana"])
def test_batch_shapes(name):
    target = targets.make(name)
    points = target.sample([3, 4], seed=SEED)
    assert points.shape == [3, 4, 2]
    assert target.log_prob(points).shape == [3, 4]
    assert target.log_prob(points[0, 0]).shape == []
    assert target.log_prob(np.zeros([0, 2], np.float32)).shape == [0]
    np.testing.assert_allclose(
        target.log_prob(points)[1, 2], target.log_prob(points[1, 2]), rtol=1e-5
    )
    with pytest.raises(ValueError, match=r"\[4, 3\]"):
        target.log_prob(np.zeros([4, 3]))


@pytest.mark.parametrize("name", ["moons", "2spirals"])
def test_large_batches_go_through_in_chunks(name):
    target = targets.make(name)
    points = target.sample(target._chunk + 17, seed=SEED)
    whole = target.log_prob(points)
    parts = [target.log_prob(points[:1000]), target.log_prob(points[-1000:])]
    np.testing.assert_allclose(whole[:1000], parts[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(whole[-1000:], parts[1], rtol=0, atol=1e-5)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def gradient(x):
        return tf.gradients(target.log_prob(x), x)[0]

    with tf.GradientTape() as tape:
        tape.watch(few := points[:100])
        log_prob = target.log_prob(few)
    np.testing.assert_allclose(
        gradient(points)[:100], tape.gradient(log_prob, few), atol=1e-3, rtol=1e-4
    )


def test_chunks_compile():
    target = targets.make("moons")
    points = target.sample(target._chunk + 17, seed=SEED)
    compiled = tf.function(target.log_prob, jit_compile=True)
    np.testing.assert_allclose(compiled(points), target.log_prob(points), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["uniform", "checkerboard", "banana"])
def test_entropy_against_monte_carlo(name, exact):
    log_prob = exact[name].log_prob(_samples(exact[name], 100_000)).numpy()
    error = 4 * log_prob.std() / np.sqrt(len(log_prob)) + 1e-9  # 1 time in 16,000 by chance
    assert abs(-log_prob.mean() - exact[name].entropy().numpy()) < error


def test_entropies_in_closed_form(exact):
    assert exact["uniform"].entropy().numpy() == pytest.approx(np.log(64), abs=1e-12)
    assert exact["checkerboard"].entropy().numpy() == pytest.approx(np.log(32), abs=1e-12)
    banana = tfd.MultivariateNormalDiag(scale_diag=np.array([1.0, 4.0])).entropy().numpy()
    assert exact["banana"].entropy().numpy() == pytest.approx(banana, abs=1e-12)


def test_support_ends_where_it_should(exact):
    uniform, board = exact["uniform"], exact["checkerboard"]
    assert uniform.log_prob([4.0, -4.0]).numpy() == pytest.approx(-np.log(64))
    assert uniform.log_prob([4.001, 0.0]).numpy() == -np.inf
    assert board.log_prob([-3.9, -3.9]).numpy() == pytest.approx(-np.log(32))
    assert board.log_prob([-3.9, 3.9]).numpy() == -np.inf


def test_the_pinwheel_twist_keeps_its_radius_and_volume(exact):
    """The radius of a point is that of its features, and features have a known law."""
    radii = np.linalg.norm(_samples(exact["pinwheel"], 20_000), axis=-1) / 2
    features = np.random.default_rng(0).normal([1, 0], [0.3, 0.1], size=(20_000, 2))
    assert scipy.stats.ks_2samp(radii, np.linalg.norm(features, axis=-1)).pvalue > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_every_form_of_seed_samples(name):
    target = targets.make(name)
    for seed in (None, 7, [0, 7], np.array([0, 7]), tf.constant([0, 7])):
        assert target.sample([2, 3], seed=seed).shape == [2, 3, 2]


@pytest.mark.parametrize("name", NAMES)
def test_copy_and_dtype(name):
    target = targets.make(name, tf.float64)
    np.testing.assert_array_equal(
        target.copy().log_prob([0.5, 0.5]).numpy(), target.log_prob([0.5, 0.5]).numpy()
    )
    assert target.dtype == tf.float64
    assert target.event_shape == [2]
    assert target.batch_shape == []


def test_refusals():
    with pytest.raises(ValueError, match=r"unknown target 'moon'; the known ones are swissroll"):
        targets.make("moon")
    with pytest.raises(ValueError, match="int32"):
        targets.make("moons", tf.int32)


# The energies.


def _energy_by_hand(name, z1, z2):
    w1 = np.sin(2 * np.pi * z1 / 4)
    w2 = 3 * np.exp(-0.5 * ((z1 - 1) / 0.6) ** 2)
    w3 = 3 / (1 + np.exp(-(z1 - 1) / 0.3))
    if name == "U1":
        two = np.exp(-0.5 * ((z1 - 2) / 0.6) ** 2) + np.exp(-0.5 * ((z1 + 2) / 0.6) ** 2)
        return 0.5 * ((np.hypot(z1, z2) - 2) / 0.4) ** 2 - np.log(two)
    if name == "U2":
        return 0.5 * ((z2 - w1) / 0.4) ** 2
    shift, scale = (w2, 0.35) if name == "U3" else (w3, 0.4)
    return -np.log(
        np.exp(-0.5 * ((z2 - w1) / scale) ** 2) + np.exp(-0.5 * ((z2 - w1 + shift) / 0.35) ** 2)
    )


@pytest.mark.parametrize("name", ["U1", "U2", "U3", "U4"])
def test_energies_are_those_of_table_1(name):
    z = np.random.default_rng(0).uniform(-3, 3, size=(4, 50, 2))
    ours = targets.energy(name)(z)
    np.testing.assert_allclose(ours, _energy_by_hand(name, z[..., 0], z[..., 1]), rtol=1e-9)
    assert targets.energy(name)(z.astype(np.float32)).dtype == tf.float32


@pytest.mark.parametrize("name", ["U1", "U2", "U3", "U4"])
def test_energies_of_whole_numbers(name):
    energy = targets.energy(name, wall=4.0)
    np.testing.assert_array_equal(energy([[1, -2], [0, 5]]), energy([[1.0, -2.0], [0.0, 5.0]]))


@pytest.mark.parametrize("name", ["U1", "U2", "U3", "U4"])
def test_energies_are_finite_far_away(name):
    z = tf.constant([[0.0, 0.0], [50.0, -80.0], [-90.0, 40.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = targets.energy(name, wall=4.0)(z)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, z)).all()


@pytest.mark.parametrize("name", ["U1", "U2", "U3", "U4"])
def test_log_normalizer_with_a_wall(name):
    energy = targets.energy(name, wall=4.0)
    # The wall bends sharply at +-4, the edges of panels.
    (x, wx), (y, wy) = _product_grid(-8, 8, 32, 12), _product_grid(-9, 9, 36, 12)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    by_grid = np.log(wx @ np.exp(-energy(grid).numpy()) @ wy)
    assert energy.log_normalizer == pytest.approx(by_grid, abs=1e-8)
    inside = grid[np.abs(x) < 4]
    np.testing.assert_array_equal(energy(inside), targets.energy(name)(inside))


def test_energies_without_a_wall_have_no_integral():
    assert np.isfinite(targets.energy("U1").log_normalizer)
    assert [targets.energy(f"U{k}").log_normalizer for k in (2, 3, 4)] == [np.inf] * 3


def test_energy_refusals():
    with pytest.raises(ValueError, match=r"'U5'.*U1, U2, U3, U4"):
        targets.energy("U5")
    with pytest.raises(ValueError, match="-1"):
        targets.energy("U2", wall=-1)
    with pytest.raises(ValueError, match=r"\[3\]"):
        targets.energy("U2")(np.zeros(3))
