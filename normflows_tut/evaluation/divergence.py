"""Divergences between a target and a flow, with their standard errors."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from normflows_tut import _checks, flows
from normflows_tut.evaluation.density import (
    chunk_size,
    compiled_call,
    log_density,
    refuse_without_context,
    target_samples,
)


class Estimate(NamedTuple):
    """A Monte Carlo mean and its standard error.

    `str` and format specifications show both, the error to two digits unless a
    specification asks otherwise: `f"{kl}"` is `0.1234 ± 0.0056`, `f"{kl:.2f}"`
    is `0.12 ± 0.01`.
    """

    value: float
    standard_error: float

    def __format__(self, specification):
        if not specification:
            error = self.standard_error
            finite = np.isfinite(error) and error > 0
            digits = max(0, 1 - int(np.floor(np.log10(error)))) if finite else 4
            specification = f".{digits}f"
        return f"{self.value:{specification}} ± {self.standard_error:{specification}}"

    def __str__(self):
        return format(self)

    def __repr__(self):
        return f"Estimate({self})"


def estimate(values):
    """Returns the mean and its standard error as an `Estimate`."""
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():  # log q = -inf somewhere under p: truly infinite.
        return Estimate(float(np.mean(values)), float("nan"))
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def _sample_count(num_samples):
    if _checks.positive_int("num_samples", num_samples) < 2:
        raise ValueError(f"num_samples must be at least 2 for a standard error, got {num_samples}.")
    return int(num_samples)


def _sample_and_log_prob(distribution, seed):
    # The log-density of a sample needs its way forward only, not a numeric inverse.
    count = chunk_size(distribution.event_shape)
    return distribution.experimental_sample_and_log_prob(count, seed=seed)


def forward_kl(target, flow, num_samples=10_000, seed=0):
    """Estimates KL(p || q) = E_p[log p(x) - log q(x)], in nats.

    Zero if and only if the flow q equals the target p. The expected negative
    log-likelihood that training minimises is this divergence plus the entropy of p.

    Args:
      target: p, a distribution with exact `log_prob` and `sample`.
      flow: q, a distribution with `log_prob`.
      num_samples: How many samples of p to average over, at least 2.
      seed: Int from 0 to 2^31 - 1; the same seed gives the same samples.

    Returns:
      An `Estimate`; its standard error is that of the mean.

    Raises:
      ValueError: `num_samples` is below 2, or a log-density is NaN.

    Reference:
      Papamakarios et al. (2021), Normalizing Flows for Probabilistic Modeling and
      Inference, equation 13.

    Example:
      >>> forward_kl(tfd.Normal(0.0, 1.0), tfd.Normal(1.0, 1.0))
      Estimate(0.503 ± 0.010)
    """
    x = target_samples(target, _sample_count(num_samples), seed)
    return estimate(log_density(target, x) - log_density(flow, x))


def reverse_kl(target, flow, num_samples=10_000, seed=0):
    """Estimates KL(q || p) = E_q[log q(x) - log p(x)], in nats.

    Args:
      target: p, a distribution, or a callable log-density. If that is unnormalised,
        the value is the divergence minus log Z.
      flow: q, a distribution with `sample` and `log_prob`.
      num_samples: How many samples of q to average over, at least 2.
      seed: Int from 0 to 2^31 - 1; the same seed gives the same samples.

    Returns:
      An `Estimate`.

    Raises:
      ValueError: `num_samples` is below 2, or a log-density is NaN.

    Reference:
      Papamakarios et al. (2021), equation 17.

    Example:
      >>> estimate = reverse_kl(lambda z: -(z**2) / 2.0, tfd.Normal(0.0, 1.0))
      >>> round(estimate.value, 4)  # -log sqrt(2 pi)
      -0.9189
    """
    num_samples, seed = _sample_count(num_samples), _checks.seed_number(seed)
    refuse_without_context(flow)
    if not hasattr(flow, "experimental_sample_and_log_prob"):
        raise ValueError(f"a flow with `sample` and `log_prob` is needed, got {flow!r}.")
    draw = compiled_call(flow, _sample_and_log_prob)
    count = -(-num_samples // chunk_size(flow.event_shape))
    draws = [draw(tf.constant([seed, k], tf.int32)) for k in range(count)]
    x = np.concatenate([x.numpy() for x, _ in draws])[:num_samples]
    log_q = np.concatenate([log_q.numpy() for _, log_q in draws])[:num_samples]
    return estimate(log_q.astype(np.float64) - log_density(target, x))


def kl_trace(target, flow, num_samples=10_000, seed=0):
    """Estimates KL(p || q_k) after every layer of a flow: its performance trace.

    q_k is the base pushed through the first k layers and the standardising step. All
    estimates share their samples, so that differences between them are less noisy
    than the standard errors suggest.

    Args:
      target: p, a distribution with exact `log_prob` and `sample`.
      flow: A flow of `normflows_tut.flows`.
      num_samples: How many samples of p to average over, at least 2.
      seed: Int from 0 to 2^31 - 1; the same seed gives the same samples.

    Returns:
      A list of `num_layers + 1` Estimates, for k = 0 .. num_layers; the last equals
      `forward_kl(target, flow, num_samples, seed)`.

    Raises:
      ValueError: `num_samples` is below 2, or a log-density is NaN.
    """
    x = target_samples(target, _sample_count(num_samples), seed)
    log_p = log_density(target, x)
    return [
        estimate(log_p - log_density(prefix, x, compiled=prefix is flow))
        for prefix in flows.prefixes(flow)
    ]


def negative_log_likelihood(distribution, x):
    """Averages -log q(x) over held-out data, in nats per row.

    Args:
      distribution: q, a distribution with `log_prob`.
      x: Array [n, d], n at least 2; [n] for a distribution of scalars.

    Returns:
      An `Estimate`.

    Raises:
      ValueError: Fewer than two rows, a NaN or an infinity in `x` (the message names
        the row), a NaN log-density, or no distribution; of a `ConditionalFlow` give
        `flow(context)`.
    """
    refuse_without_context(distribution)
    if not hasattr(distribution, "log_prob"):
        raise ValueError(f"a distribution with `log_prob` is needed, got {distribution!r}.")
    scalar = distribution.event_shape.rank == 0
    x = np.asarray(x)[:, None] if scalar else x
    x = _checks.data_array(x, dtype=distribution.dtype.as_numpy_dtype, name="x")
    if len(x) < 2:
        raise ValueError(f"x must have at least 2 rows for a standard error, got {len(x)}.")
    x = x[:, 0] if scalar else x
    return estimate(-log_density(distribution, x))
