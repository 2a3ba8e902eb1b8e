"""Numbers that say how good a flow is, and checks that it is a flow at all.

Everything here returns a number. Divergences come with their standard errors, and
every check works on fresh tensors: TFP keeps the input and the log-determinant of a
`forward` beside its output, so that an `inverse` of that very tensor would only read
them back, and a wrong inverse would pass.
"""

from normflows_tut.evaluation.bits import bits_per_dim
from normflows_tut.evaluation.calibration import rank_band, rank_histogram, ranks
from normflows_tut.evaluation.density import default_bounds, log_density
from normflows_tut.evaluation.divergence import (
    Estimate,
    forward_kl,
    kl_trace,
    negative_log_likelihood,
    reverse_kl,
)
from normflows_tut.evaluation.jacobian import MaxError, log_det_error, round_trip_error
from normflows_tut.evaluation.quadrature import integral, integrates_to_one

__all__ = [
    "Estimate",
    "MaxError",
    "bits_per_dim",
    "default_bounds",
    "forward_kl",
    "integral",
    "integrates_to_one",
    "kl_trace",
    "log_density",
    "log_det_error",
    "negative_log_likelihood",
    "rank_band",
    "rank_histogram",
    "ranks",
    "reverse_kl",
    "round_trip_error",
]
