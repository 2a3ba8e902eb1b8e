"""Whether a posterior is as sure as it should be: ranks of what was true among its samples."""

import numbers

import numpy as np
import tensorflow as tf
from scipy import stats

from normflows_tut._checks import (
    data_array,
    positive_int,
    random_generator,
    refuse_rows,
    seed_number,
)
from normflows_tut.flows import ConditionalFlow

_NUMBERS = 2**20  # samples times coordinates in memory at a time
_TRIALS = 20_000  # simulated histograms, for the band


def ranks(posterior, parameters, context, *, num_samples=99, seed=0):
    """Ranks of true parameters among samples of the posterior given their data.

    ```none
    ranks[i, j] = number of samples s with s_j < parameters[i, j],   s ~ q(. | context[i])
    ```

    If the pairs come from the model and q is the exact posterior, every rank from 0 to
    `num_samples` is equally frequent: simulation-based calibration. Ranks that crowd at both ends
    say that q is too narrow, in the middle too wide, at one end shifted.

    Args:
      posterior: A `flows.ConditionalFlow` on `[d]`, or a callable from contexts `[n, c]` to a
        `tfd.Distribution` with the batch shape `[n]`, or to what else has its method `sample`.
      parameters: Array `[n, d]`, drawn from the prior.
      context: Array `[n, c]`, simulated from the parameters row by row.
      num_samples: Samples for each pair.
      seed: Int from 0 to 2^31 - 1.

    Returns:
      int64 array `[n, d]`, values from 0 to `num_samples`.

    Raises:
      ValueError: The arrays do not fit together, a number is out of range, `posterior` is none of
        the above, or its samples are of another shape or not finite.

    Reference:
      Talts, Betancourt, Simpson, Vehtari & Gelman (2018), Validating Bayesian Inference
      Algorithms with Simulation-Based Calibration, Algorithm 1.
    """
    _check_posterior(posterior)
    size = posterior.event_shape[0] if isinstance(posterior, ConditionalFlow) else None
    parameters = data_array(parameters, size, dtype=np.float64, name="parameters")
    context = data_array(context, None, dtype=np.float64, name="context")
    count = positive_int("num_samples", num_samples)
    if len(context) != len(parameters):
        raise ValueError(
            f"context must have a row for each of {len(parameters)} parameters, got {len(context)}."
        )
    dtype = getattr(posterior, "dtype", tf.float32)
    block = max(1, _NUMBERS // (count * parameters.shape[1]))
    found, lost = [], np.zeros(len(context), bool)
    for k, start in enumerate(range(0, len(parameters), block)):
        rows = slice(start, start + block)
        distribution = posterior(tf.constant(context[rows], dtype))
        seeds = tf.constant([seed_number(seed), k])
        samples = _samples(distribution, count, parameters[rows].shape, seeds)
        lost[rows] = ~np.isfinite(samples).all(axis=(0, 2))
        below = samples < parameters[rows].astype(samples.dtype)
        found.append(below.sum(axis=0))
    refuse_rows(context, lost, "samples of posterior must be finite at every context")
    return np.concatenate(found)


def _check_posterior(posterior):
    if not callable(posterior):
        hint = ": a distribution that does not depend on a context" * hasattr(posterior, "log_prob")
        raise ValueError(
            "posterior must be a flows.ConditionalFlow or a callable from contexts to a "
            f"tfd.Distribution, got {posterior!r}{hint}."
        )


def _samples(distribution, count, shape, seed):
    """Returns samples `[count, n, d]`, with n and d of `shape`, or raises a ValueError."""
    if not hasattr(distribution, "sample"):
        raise ValueError(f"posterior must return a tfd.Distribution, got {distribution!r}.")
    samples = np.asarray(distribution.sample(count, seed=seed))
    if samples.shape != (count, *shape):
        raise ValueError(
            f"samples of posterior must have shape {[count, *shape]}, of samples, contexts and "
            f"parameters, got {list(samples.shape)} of {distribution!r}."
        )
    return samples


def rank_histogram(ranks, num_samples, num_bins=20):
    """Counts of ranks in bins of equal width.

    Args:
      ranks: int array `[n, d]` of ranks from 0 to `num_samples`, as `ranks` returns them.
      num_samples: As given to `ranks`.
      num_bins: Number of bins; it must divide `num_samples + 1`, or some would be wider.

    Returns:
      int64 array `[d, num_bins]`.

    Raises:
      ValueError: The bins cannot be of equal width, or a rank is no whole number or out of range.
    """
    ranks = _whole_numbers(ranks)
    size, bins = positive_int("num_samples", num_samples) + 1, positive_int("num_bins", num_bins)
    if size % bins:
        raise ValueError(
            f"num_bins must divide num_samples + 1 = {size}, got {bins}: bins would differ."
        )
    if ranks.ndim != 2 or ranks.size == 0:
        raise ValueError(f"ranks must have shape [n, d] and hold at least one, got {ranks.shape}.")
    if ranks.min() < 0 or ranks.max() >= size:
        raise ValueError(f"ranks must be from 0 to {size - 1}, got {ranks.min()} to {ranks.max()}.")
    bin_of = ranks // (size // bins)
    return np.stack([np.bincount(column, minlength=bins) for column in bin_of.T])


def _whole_numbers(ranks):
    try:
        array = np.asarray(ranks)
    except ValueError:  # rows of different lengths
        array = None
    if array is None or array.dtype.kind not in "iu":
        got = repr(ranks) if array is None else array.dtype
        raise ValueError(f"ranks must be whole numbers, as evaluation.ranks returns, got {got}.")
    return array


def rank_band(num_points, num_bins=20, level=0.95, *, seed=0):
    """The counts between which all bins of a calibrated histogram lie, with probability `level`.

    ```none
    counts ~ Multinomial(num_points, 1 / num_bins)
    P(low <= every count <= high) >= level
    ```

    For a single bin the band would be that of the binomial distribution; of twenty such bins one
    is outside most of the time. So the band is made wider, by as much as simulated histograms ask.

    Args:
      num_points: Number of ranks in the histogram.
      num_bins: Number of bins.
      level: Probability, above 0 and below 1.
      seed: Of the simulation.

    Returns:
      Two ints, low and high.

    Raises:
      ValueError: A number is out of range.

    Reference:
      The idea of one band for all bins is that of Säilynoja, Bürkner & Vehtari (2022), Graphical
      Test for Discrete Uniformity, section 2, who apply it to cumulative counts.
    """
    n, bins = positive_int("num_points", num_points), positive_int("num_bins", num_bins)
    if not (isinstance(level, numbers.Real) and 0 < level < 1):
        raise ValueError(f"level must be a number above 0 and below 1, got {level!r}.")
    counts = random_generator(seed).multinomial(n, np.full(bins, 1 / bins), size=_TRIALS)
    of_bin = stats.binom(n, 1 / bins)
    # The least likely bin of each histogram, by the smaller of its two tails.
    least = np.minimum(of_bin.cdf(counts), of_bin.sf(counts - 1)).min(axis=1)
    # A hair below, so that counts of just this probability are inside.
    tail = np.quantile(least, 1 - level, method="lower") * (1 - 1e-9)
    return int(of_bin.ppf(tail)), int(of_bin.isf(tail))
