"""What the two public functions have in common, checked once."""

import dataclasses
import os
import pathlib
from collections.abc import Callable

import numpy as np

from normflows_tut._checks import positive_float, positive_int, seed_number
from normflows_tut.training import schedules


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
    jit_compile: bool | None
    max_seconds: float | None
    progress: bool

    def __post_init__(self):
        self.seed = seed_number(self.seed)
        for name in ("num_steps", "batch_size", "checkpoint_every", "steps_per_call"):
            setattr(self, name, positive_int(name, getattr(self, name)))
        if callable(self.learning_rate):
            for step in (0, self.num_steps - 1):  # not only when the run has come so far
                schedules.rates(self.learning_rate, step, 1)
        else:
            self.learning_rate = positive_float("learning_rate", self.learning_rate)
        for name in ("clip_norm", "max_seconds"):
            if getattr(self, name) is not None:
                setattr(self, name, positive_float(name, getattr(self, name)))
        if self.jit_compile not in (True, False, None):
            raise ValueError(f"jit_compile must be True, False or None, got {self.jit_compile!r}.")
        if self.snapshot_every is not None:
            self.snapshot_every = positive_int("snapshot_every", self.snapshot_every)
        if self.snapshot_fn is None:
            self.snapshot_fn = values_of_variables
        elif self.snapshot_every is None:
            raise ValueError(f"snapshot_fn={self.snapshot_fn!r} needs a snapshot_every.")
        elif not callable(self.snapshot_fn):
            raise ValueError(f"snapshot_fn must be callable, got {self.snapshot_fn!r}.")
        if self.checkpoint is not None:
            if not isinstance(self.checkpoint, str | os.PathLike):
                raise ValueError(f"checkpoint must be a path, got {self.checkpoint!r}.")
            self.checkpoint = pathlib.Path(self.checkpoint)
            if self.checkpoint.is_dir():
                raise ValueError(f"checkpoint={str(self.checkpoint)!r} is a folder, not a file.")
            folder = self.checkpoint.resolve().parent
            if not folder.is_dir():
                raise ValueError(f"checkpoint={str(self.checkpoint)!r}: no folder {folder}.")


def values_of_variables(flow):
    """The default snapshot: copies of all variables, as arrays."""
    # A copy: the memory behind .numpy() may be that which the next step overwrites.
    return [np.array(variable.numpy()) for variable in flow.variables]
