"""What the two public functions have in common, checked once."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from normflows_tut._checks import non_negative_int, positive_float, positive_int


@dataclasses.dataclass
class Settings:
    """The arguments of a run that do not depend on its objective; see `fitting.fit`.

    Raises:
      ValueError: A value is out of range, or lacks the one that it goes with.
    """

    num_steps: int
    batch_size: int
    learning_rate: float | Callable
    seed: int
    clip_norm: float | None
    snapshot_every: int | None
    snapshot_fn: Callable | None
    checkpoint: str | pathlib.Path | None
    checkpoint_every: int
    steps_per_call: int
    jit_compile: bool
    max_seconds: float | None
    progress: bool

    def __post_init__(self):
        self.seed = seed_number(self.seed)
        for name in ("num_steps", "batch_size", "checkpoint_every", "steps_per_call"):
            setattr(self, name, positive_int(name, getattr(self, name)))
        if not callable(self.learning_rate):
            self.learning_rate = positive_float("learning_rate", self.learning_rate)
        for name in ("clip_norm", "max_seconds"):
            if getattr(self, name) is not None:
                setattr(self, name, positive_float(name, getattr(self, name)))
        if self.snapshot_every is not None:
            self.snapshot_every = positive_int("snapshot_every", self.snapshot_every)
        if self.snapshot_fn is None:
            self.snapshot_fn = values_of_variables
        elif self.snapshot_every is None:
            raise ValueError(f"snapshot_fn={self.snapshot_fn!r} needs a snapshot_every.")
        if self.checkpoint is not None:
            self.checkpoint = pathlib.Path(self.checkpoint)
            folder = self.checkpoint.resolve().parent
            if not folder.is_dir():
                raise ValueError(f"checkpoint={str(self.checkpoint)!r}: no folder {folder}.")


def seed_number(seed):
    """Returns `seed` as an int that TensorFlow's stateless samplers take."""
    seed = non_negative_int("seed", seed)
    if seed >= 2**31:
        raise ValueError(f"seed must be below 2^31, got {seed}.")
    return seed


def values_of_variables(flow):
    """The default snapshot: copies of all variables, as arrays."""
    # A copy: the memory behind .numpy() may be that which the next step overwrites.
    return [np.array(variable.numpy()) for variable in flow.variables]
