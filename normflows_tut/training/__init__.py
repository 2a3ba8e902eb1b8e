"""Training: maximum likelihood, reverse KL, and what a long run needs around them."""

from normflows_tut.training.fitting import fit
from normflows_tut.training.history import History, NonFiniteLossError
from normflows_tut.training.reverse_kl import fit_reverse_kl
from normflows_tut.training.schedules import cosine_decay
from normflows_tut.training.variational import fit_elbo

__all__ = ["History", "NonFiniteLossError", "cosine_decay", "fit", "fit_elbo", "fit_reverse_kl"]
