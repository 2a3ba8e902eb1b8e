"""Learning rates that change with the step."""

import dataclasses
import math

import numpy as np

from normflows_tut._checks import non_negative_int, positive_float, positive_int


@dataclasses.dataclass(frozen=True)
class _CosineDecay:
    peak: float
    num_steps: int
    warmup: int

    def __call__(self, step):
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        progress = min(1.0, (step - self.warmup) / (self.num_steps - self.warmup))
        return self.peak * 0.5 * (1 + math.cos(math.pi * progress))


def cosine_decay(peak, num_steps, warmup=0):
    """A learning rate that rises linearly to `peak`, then falls to 0 along half a cosine.

    ```none
    rate(s) = peak (s + 1) / warmup                                            s < warmup
    rate(s) = peak (1 + cos(pi (s - warmup) / (num_steps - warmup))) / 2       after that
    ```

    Args:
      peak: The largest rate, above 0.
      num_steps: Step from which on the rate is 0; give `fit` the same number.
      warmup: Number of steps of the rise, below `num_steps`.

    Returns:
      A callable from the step, counted from 0, to the rate.

    Raises:
      ValueError: `peak` is not above 0, or a count is out of range.

    Reference:
      Loshchilov & Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts,
      equation 5 without restarts.

    Example:
      >>> rate = cosine_decay(1e-3, num_steps=1_000)
      >>> rate(0), rate(500), rate(1_000)
      (0.001, 0.0005, 0.0)
    """
    peak = positive_float("peak", peak)
    num_steps = positive_int("num_steps", num_steps)
    warmup = non_negative_int("warmup", warmup)
    if warmup >= num_steps:
        raise ValueError(f"warmup must be below num_steps={num_steps}, got {warmup}.")
    return _CosineDecay(peak, num_steps, warmup)


def rates(learning_rate, first, count):
    """Returns the rates of the steps first, ..., first + count - 1, a float64 array.

    Args:
      learning_rate: A number above 0, or a callable from the step to a number of at least 0.
      first: The first step, counted from 0.
      count: How many steps.

    Raises:
      ValueError: A rate is negative, NaN or infinite; the message names it and its step.
    """
    if not callable(learning_rate):
        return np.full([count], positive_float("learning_rate", learning_rate))
    given = [learning_rate(step) for step in range(first, first + count)]
    try:
        values = np.array([float(rate) for rate in given])
    except (TypeError, ValueError):
        raise ValueError(
            f"learning_rate must give numbers, got {given} from step {first} on."
        ) from None
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(
            f"learning_rate must be finite and not negative, got {values[k]} at step {first + k}."
        )
    return values
