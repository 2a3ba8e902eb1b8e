"""Ranks of what was true: flat where the posterior is exact, and only there."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import evaluation, flows

tfd = tfp.distributions

NOISE = 0.5


def pairs(count, seed=0):
    """theta ~ N(0, I), x = theta + NOISE e."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=[count, 2])
    return theta, theta + NOISE * rng.normal(size=theta.shape)


def posterior(width=1.0, shift=0.0):
    """The exact posterior, made narrower or wider, and shifted by so many deviations."""
    deviation = (1.0 + NOISE**-2) ** -0.5

    def at(x):
        mean = x * deviation**2 / NOISE**2 + shift * deviation
        return tfd.MultivariateNormalDiag(mean, width * deviation * tf.ones_like(x))

    return at


def histogram(q, count=4000, seed=0):
    ranks = evaluation.ranks(q, *pairs(count, seed), num_samples=99, seed=seed)
    assert ranks.shape == (count, 2)
    return evaluation.rank_histogram(ranks, 99, 20)


def test_ranks_are_counts_of_smaller_samples():
    theta, x = pairs(7)
    found = evaluation.ranks(posterior(), theta, x, num_samples=30, seed=3)
    samples = posterior()(tf.constant(x, tf.float32)).sample(30, seed=tf.constant([3, 0]))
    np.testing.assert_array_equal(found, np.sum(samples < theta.astype(np.float32), axis=0))


def test_the_exact_posterior_is_inside_the_band():
    low, high = evaluation.rank_band(4000, 20)
    counts = histogram(posterior())
    assert counts.sum(axis=1).tolist() == [4000, 4000]
    assert low <= counts.min() <= counts.max() <= high


@pytest.mark.parametrize(
    ("q", "sign"),
    [(posterior(width=0.8), 1), (posterior(width=1.25), -1), (posterior(shift=0.2), None)],
    ids=["too narrow", "too wide", "shifted"],
)
def test_a_wrong_posterior_is_found_out(q, sign):
    low, high = evaluation.rank_band(4000, 20)
    counts = histogram(q)
    assert np.all((counts < low) | (counts > high), axis=0).any()
    if sign is not None:  # crowded at the ends, or in the middle
        assert np.all(sign * (counts[:, [0, -1]] - 200) > 0)
    else:  # q lies above what is true: low ranks
        assert np.all(counts[:, 0] > counts[:, -1])


def test_the_band_holds_all_bins_as_often_as_it_says():
    low, high = evaluation.rank_band(1000, 20, 0.95)
    counts = np.random.default_rng(5).multinomial(1000, np.full(20, 1 / 20), size=20_000)
    inside = np.mean(np.all((counts >= low) & (counts <= high), axis=1))
    assert 0.945 < inside < 0.985  # counts are whole numbers: it can be wider, not narrower
    assert evaluation.rank_band(1000, 20, 0.5)[0] > low


def test_a_conditional_flow_is_asked_in_blocks(monkeypatch):
    flow = flows.conditional_normal(2, 2, (8,))
    theta, x = pairs(50)
    monkeypatch.setattr(evaluation.calibration, "_NUMBERS", 2 * 9 * 16)
    found = evaluation.ranks(flow, theta, x, num_samples=9)
    assert found.shape == (50, 2)
    assert found.min() >= 0
    assert found.max() <= 9


def test_whatever_can_be_sampled_will_do():
    class Wider:
        """The exact posterior, pulled apart."""

        def __init__(self, x):
            self.exact = posterior()(x)

        def sample(self, count, seed):
            z = self.exact.sample(count, seed=seed)
            return 3 * z - 2 * self.exact.loc

    ranks = evaluation.ranks(Wider, *pairs(400), num_samples=9)
    counts = evaluation.rank_histogram(ranks, 9, 10)
    assert np.all(counts[:, [0, -1]] < 0.7 * 40)


def broken_flow(x):
    flow = flows.conditional_normal(2, 2, (8,))
    flow.trainable_variables[0].assign(np.nan * flow.trainable_variables[0])
    return flow(x)


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (None, "posterior must be a flows.ConditionalFlow or a callable .*, got None"),
        (7, "posterior must be .*, got 7"),
        (
            tfd.MultivariateNormalDiag(tf.zeros(2)),
            "posterior must be .*, got .*: a distribution that does not depend on a context",
        ),
        (lambda x: x, "must return a tfd.Distribution, got <tf.Tensor"),
        (
            lambda x: tfd.MultivariateNormalDiag(tf.zeros(2)),
            r"shape \[9, 4, 2\], .* got \[9, 2\] .* batch_shape=\[\] event_shape=\[2\]",
        ),
        (
            lambda x: tfd.MultivariateNormalDiag(x[:, :1]),
            r"shape \[9, 4, 2\], .* got \[9, 4, 1\] .* batch_shape=\[4\] event_shape=\[1\]",
        ),
        (
            lambda x: tfd.MultivariateNormalDiag(x / tf.constant([[1.0], [1.0], [0.0], [1.0]])),
            r"must be finite at every context: row 2 \(counted from 0\) is .*1 of 4 rows",
        ),
        (broken_flow, "must be finite at every context: row 0 .*4 of 4"),
    ],
    ids=["None", "int", "unconditional", "tensor", "no batch", "narrow", "infinite", "NaN weights"],
)
def test_what_is_no_posterior_is_refused(q, message):
    with pytest.raises(ValueError, match=message):
        evaluation.ranks(q, *pairs(4), num_samples=9)


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        (np.zeros([3, 2]), "ranks must be whole numbers, .* got float64"),
        ([[np.nan]], "whole numbers, .* got float64"),
        ([[1j]], "whole numbers, .* got complex128"),
        ([[True, False]], "whole numbers, .* got bool"),
        ([["1"]], "whole numbers, .* got <U1"),
        (None, "whole numbers, .* got object"),
        ([[1, 2], [3]], r"whole numbers, .* got \[\[1, 2\], \[3\]\]"),
        (np.zeros([0, 2], int), r"shape \[n, d\] and hold at least one, got \(0, 2\)"),
        ([3], r"shape \[n, d\] and hold at least one, got \(1,\)"),
        ([[100]], "from 0 to 99, got 100"),
        ([[-1]], "from 0 to 99, got -1"),
    ],
)
def test_what_are_no_ranks_is_refused(ranks, message):
    with pytest.raises(ValueError, match=message):
        evaluation.rank_histogram(ranks, 99, 20)


@pytest.mark.parametrize("level", ["a", None, [0.5, 0.9], 1j, np.nan, 0, 1.0, 2, -0.5])
def test_what_is_no_level_is_refused(level):
    with pytest.raises(ValueError, match="level must be a number above 0 and below 1, got"):
        evaluation.rank_band(10, 5, level)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.ranks(posterior(), np.zeros([4, 2]), np.zeros([3, 2])), "4.*got 3"),
        (lambda: evaluation.ranks(posterior(), np.zeros([0, 2]), np.zeros([0, 2])), "is empty"),
        (lambda: evaluation.ranks(posterior(), *pairs(4), num_samples=0), "num_samples .* got 0"),
        (
            lambda: evaluation.ranks(flows.conditional_normal(3, 2), *pairs(4)),
            "parameters must have .*3",
        ),
        (lambda: evaluation.rank_histogram([[3]], 99, 30), "must divide .*100, got 30"),
        (lambda: evaluation.rank_band(0), "num_points .* got 0"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
