"""What a training run leaves behind."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class History:
    """The course of one training run.

    Every step number is a number of updates: the loss at step 0 is that of the weights the
    run started with, the snapshot at step 100 shows the weights after 100 updates.

    Attributes:
      step: Steps 0, 1, ..., n - 1, an int array `[n]`.
      loss: Loss at each step, on that step's batch, in nats, `[n]`.
      learning_rate: Learning rate of each step's update, `[n]`.
      validation_step: Steps at which the validation loss was measured, `[m]`.
      validation_loss: Mean of `-log_prob` over the validation data, in nats, `[m]`.
      snapshots: List of pairs (step, value of `snapshot_fn`).
      seconds: Wall-clock time of the run, compilation included; a resumed run counts the
        earlier parts too, up to their last checkpoint.
      compile_seconds: The part of it that tracing and compiling the steps took; 0 if an
        earlier run on the same flow had compiled them.
      stop_reason: "finished", "early stopping", "interrupted", "max_seconds" or, in the
        history of a `NonFiniteLossError`, "not finite".
      best_step: Step of the lowest validation loss, None without validation.
    """

    step: np.ndarray
    loss: np.ndarray
    learning_rate: np.ndarray
    validation_step: np.ndarray
    validation_loss: np.ndarray
    snapshots: list
    seconds: float
    compile_seconds: float
    stop_reason: str
    best_step: int | None = None

    def __repr__(self):
        last = f", last loss {self.loss[-1]:.4g}" if len(self.loss) else ""
        return f"History({len(self.step)} steps in {self.seconds:.1f} s{last}, {self.stop_reason})"


class NonFiniteLossError(ArithmeticError):
    """The loss, or its gradient, is NaN or infinite.

    The flow is left with the last weights whose loss was finite.

    Attributes:
      step: The step at which it happened, counted from 0.
      history: `History` of the steps whose loss was finite.
    """

    def __init__(self, message, step, history):
        super().__init__(message)
        self.step = step
        self.history = history
