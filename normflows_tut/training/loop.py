"""The loop around the compiled steps: it decides where calls end, and what happens there."""

import time

import numpy as np

from normflows_tut.training import schedules
from normflows_tut.training.checkpoints import Checkpoint
from normflows_tut.training.console import catch_interrupt, progress_bar
from normflows_tut.training.engine import engine_for
from normflows_tut.training.history import History, NonFiniteLossError


class Run:
    """One training run.

    Args:
      flow: The flow, for `snapshot_fn`.
      engine: The compiled steps.
      objective: Where the batches come from.
      settings: `Settings`.
      validation: `Validation` or None.
      checkpoint: `Checkpoint` or None.
    """

    def __init__(self, flow, engine, objective, settings, validation=None, checkpoint=None):
        self.engine, self.settings = engine, settings
        self.validation, self.checkpoint = validation, checkpoint
        self._flow, self._objective = flow, objective
        self._snapshots, self._compile_seconds = [], 0.0
        self._previous = None  # step and state before the last call
        self._began = time.perf_counter()
        self.set_history(0, np.zeros([0]), np.zeros([0]), 0.0)

    def set_history(self, step, loss, learning_rate, seconds):
        """Goes to `step`, with the history up to there."""
        self.step, self._loss, self._learning_rate = step, [loss], [learning_rate]
        self._earlier_seconds = seconds

    def loss(self):
        """Returns the losses so far, `[step]`."""
        return np.concatenate(self._loss)

    def learning_rate(self):
        """Returns the learning rates so far, `[step]`."""
        return np.concatenate(self._learning_rate)

    def seconds(self):
        """Returns the time so far, that of the parts before a resumption included."""
        return self._earlier_seconds + time.perf_counter() - self._began

    def go(self, initialize):
        """Runs to the end, and returns the `History`.

        Args:
          initialize: Called without arguments before the first step of a run that is not
            resumed.

        Raises:
          NonFiniteLossError: The loss or its gradient stopped being finite.
        """
        saved = self.checkpoint.read(self) if self.checkpoint else None
        with catch_interrupt() as interrupted:
            # Refusals come before the first change: compiling reads the weights, no more.
            self._compile()
            if saved is None:
                self.engine.set_moments(0.0, 0.0)
                initialize()
            else:
                self.checkpoint.resume(self, saved)
            return self._go(interrupted)

    def _compile(self):
        began, was_new = time.perf_counter(), self.engine.is_new
        finite = self._run(0, 0)[1]
        if was_new:
            self._compile_seconds = time.perf_counter() - began
        if not finite:
            raise ValueError("The weights of the flow are not finite.")

    def _go(self, interrupted):
        first, settings = self.step, self.settings
        if settings.snapshot_every:
            self._take_snapshot(interrupted)
        with progress_bar(settings.num_steps, first, settings.progress) as bar:
            while (reason := self._reason_to_stop(interrupted)) is None:
                self._call(self._next_stop() - self.step)
                bar.set_postfix(loss=f"{self._loss[-1][-1]:.4g}", refresh=False)
                bar.update(self.step - bar.n)
                self._after_call(interrupted)
        if settings.snapshot_every and self._snapshots[-1:] and self._snapshots[-1][0] < self.step:
            self._take_snapshot(interrupted)
        if self.checkpoint and self.step > first:
            self.checkpoint.write(self)
        if self.validation:
            self.validation.restore_best(self.engine)
        return self._history(reason)

    def _reason_to_stop(self, interrupted):
        if self.validation and self.validation.is_exhausted():
            return "early stopping"
        if self.step >= self.settings.num_steps:
            return "finished"
        if interrupted.is_set():
            return "interrupted"
        limit = self.settings.max_seconds
        if limit is not None and self._previous and time.perf_counter() - self._began >= limit:
            return "max_seconds"
        return None

    def _next_stop(self):
        """Returns the step at which the next call ends, where something is due at the latest."""
        periods = [self.settings.snapshot_every]
        periods += [part.every for part in (self.validation, self.checkpoint) if part]
        due = [(self.step // every + 1) * every for every in periods if every]
        return min(self.step + self.settings.steps_per_call, self.settings.num_steps, *due)

    def _run(self, first, count):
        rates = schedules.rates(self.settings.learning_rate, first, count)
        return self.engine.run(
            self._objective, rates, self.settings.clip_norm, self.settings.seed, first
        )

    def _call(self, count):
        losses, finite, state = self._run(self.step, count)
        if len(losses) < count or not finite:
            self._step_back(losses, count, state)
        self._previous = self.step, state
        self._record(losses)

    def _record(self, losses):
        rates = schedules.rates(self.settings.learning_rate, self.step, len(losses))
        self._loss.append(losses)
        self._learning_rate.append(rates)
        self.step += len(losses)

    def _after_call(self, interrupted):
        if self.validation and self.step % self.validation.every == 0:
            self.validation.measure(self.step, self.engine)
        if self.settings.snapshot_every and self.step % self.settings.snapshot_every == 0:
            self._take_snapshot(interrupted)
        if self.checkpoint and self.step % self.checkpoint.every == 0:
            self.checkpoint.write(self)

    def _take_snapshot(self, interrupted):
        try:
            self._snapshots.append((self.step, self.settings.snapshot_fn(self._flow)))
        except KeyboardInterrupt:  # of snapshot_fn itself, between two calls
            interrupted.set()

    def _step_back(self, losses, count, state):
        """Leaves the last weights whose loss was finite, and raises.

        The steps are made again from the state before the call. They give the same numbers, so
        nothing is kept on the way, and a run in which all goes well pays nothing.
        """
        first, good = self.step, len(losses)
        # The most updates after which weights and moments are finite: low <= that < high.
        low, high = 0, good + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._replay(first, middle, state) else (low, middle)
        step = self.step + low
        if low == good < count:
            # Finite weights, but their loss is not: those of one update earlier are the last.
            what, keep = "loss", max(step - 1, 0)
            if keep < first and self._previous:
                first, state = self._previous
            self._record(losses)
        else:
            what, keep = "gradient", step
            self._record(losses[: low + 1])
        self._replay(first, max(keep - first, 0), state)
        raise NonFiniteLossError(
            f"The {what} was not finite at step {step} (counted from 0). The flow keeps the last "
            "weights whose loss was finite. Usual cures: a lower learning_rate, a tighter bound on "
            "the log-scales, a clip_norm.",
            step,
            self._history("not finite"),
        )

    def _replay(self, first, count, state):
        self.engine.restore(*state)
        return self._run(first, count)[1]

    def _history(self, reason):
        validation = self.validation
        return History(
            step=np.arange(self.step),
            loss=self.loss(),
            learning_rate=self.learning_rate(),
            validation_step=np.array(validation.step if validation else [], np.int64),
            validation_loss=np.array(validation.loss if validation else [], np.float64),
            snapshots=self._snapshots,
            seconds=self.seconds(),
            compile_seconds=self._compile_seconds,
            stop_reason=reason,
            best_step=validation.best_step if validation else None,
        )


# Compiling with XLA took 4 to 12 s longer than without, and saved 1 to 15 ms a step: it paid from
# 800 to 5,000 steps on, by the kind of flow (2 dimensions, two cores).
_STEPS_WORTH_COMPILING = 1_000


def train(flow, objective, settings, initialize, validation=None):
    """Trains `flow`, from a checkpoint if there is one, and returns the `History`.

    Args:
      flow: What is trained.
      objective: See `objectives`.
      settings: `Settings`.
      initialize: Called before the first step of a run that is not resumed.
      validation: `Validation` or None.
    """
    jit_compile = settings.jit_compile
    if jit_compile is None:
        is_long = settings.num_steps > _STEPS_WORTH_COMPILING
        jit_compile = is_long and len(flow.event_shape) == 1  # XLA on a CPU: slow convolutions
    engine = engine_for(
        flow,
        objective,
        steps_per_call=settings.steps_per_call,
        clipped=settings.clip_norm is not None,
        jit_compile=jit_compile,
    )
    checkpoint = None
    if settings.checkpoint is not None:
        agreed = {"seed": settings.seed, "clip_norm": settings.clip_norm} | objective.agreed()
        agreed |= validation.agreed() if validation else {}
        checkpoint = Checkpoint(settings.checkpoint, settings.checkpoint_every, agreed, flow)
    return Run(flow, engine, objective, settings, validation, checkpoint).go(initialize)
