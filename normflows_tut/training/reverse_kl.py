"""Training by reverse KL, on a density that is known up to a factor."""

import tensorflow_probability as tfp

from normflows_tut._checks import non_negative_int
from normflows_tut.flows import ConditionalFlow
from normflows_tut.targets import Energy
from normflows_tut.training.inputs import check_event_shape, check_flow, waiting
from normflows_tut.training.loop import train
from normflows_tut.training.objectives import ReverseKL
from normflows_tut.training.settings import Settings

tfd = tfp.distributions


def fit_reverse_kl(
    flow,
    target_log_prob,
    *,
    num_steps=1000,
    batch_size=512,
    learning_rate=1e-3,
    seed=0,
    annealing_steps=0,
    clip_norm=None,
    snapshot_every=None,
    snapshot_fn=None,
    checkpoint=None,
    checkpoint_every=1000,
    steps_per_call=50,
    jit_compile=None,
    max_seconds=None,
    progress=True,
):
    """Trains `flow` to match a density known up to a factor, by samples of its own.

    ```none
    loss_t = mean over x ~ q of log q(x) - beta_t log p~(x)
    beta_t = min(1, 0.01 + t / annealing_steps)
    ```

    With beta_t = 1 that is KL(q || p) - log Z, where Z is the integral of p~. The smaller
    beta_t of the first steps lets the samples spread before the modes of p~ catch them.

    Only forward is called, so a flow without a closed-form inverse trains as fast as any. No
    data are seen, so the `ActNorm`s that no `fit` has initialized, the standardising step among
    them, stay the identity and count as initialized: a later `fit` would else move them, and
    the trained density with them.

    Args:
      flow: A `tfd.TransformedDistribution` on events `[d]`.
      target_log_prob: Callable from points `[batch_size, d]` to log p~, `[batch_size]`, or a
        `tfd.Distribution`.
      num_steps: Number of updates; a resumed run counts those before.
      batch_size: Samples a step.
      learning_rate: A number above 0, or a callable from the step to a number.
      seed: Int from 0 to 2^31 - 1; decides the samples.
      annealing_steps: Length of the rise of beta_t; 0 for beta_t = 1 throughout.
      clip_norm: See `fit`, as all that follow.
      snapshot_every: Steps between snapshots.
      snapshot_fn: Callable from the flow to what a snapshot shall keep.
      checkpoint: Path of a file to continue from and to save to.
      checkpoint_every: Steps between saves.
      steps_per_call: Steps in one compiled call, at most.
      jit_compile: Whether XLA compiles the steps, or None for what the length suggests.
      max_seconds: The run stops after the call in which this time has passed.
      progress: Whether to show a progress bar.

    Returns:
      A `History`; its losses carry the beta_t of their step.

    Raises:
      ValueError: An argument is out of range, `target_log_prob` has another shape than asked
        for, the flow has no trainable variables, or the checkpoint is refused.
      NonFiniteLossError: The loss stopped being finite; see `fit`.

    Reference:
      Rezende & Mohamed (2015), Variational Inference with Normalizing Flows, equation 20
      (where annealing_steps is 10,000).

    Example::

        flow = flows.planar(event_size=2, num_layers=16)
        fit_reverse_kl(flow, lambda z: -targets.energy("U1")(z), num_steps=5_000)
    """
    check_flow(flow)
    if isinstance(flow, ConditionalFlow):
        raise ValueError("fit_reverse_kl trains a flow without context, got a ConditionalFlow.")
    settings = Settings(
        num_steps=num_steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        clip_norm=clip_norm,
        snapshot_every=snapshot_every,
        snapshot_fn=snapshot_fn,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        steps_per_call=steps_per_call,
        jit_compile=jit_compile,
        max_seconds=max_seconds,
        progress=progress,
    )
    if isinstance(target_log_prob, Energy):
        raise ValueError(
            f"target_log_prob={target_log_prob!r} is an energy, minus a log-density: "
            "give lambda z: -energy(z) instead."
        )
    if isinstance(target_log_prob, tfd.Distribution):
        check_event_shape(flow, target_log_prob, "target_log_prob")
        target_log_prob = target_log_prob.log_prob
    elif not callable(target_log_prob):
        raise ValueError(
            f"target_log_prob must be a callable or a tfd.Distribution, got {target_log_prob!r}."
        )
    annealing_steps = non_negative_int("annealing_steps", annealing_steps)
    objective = ReverseKL(target_log_prob, settings.batch_size, annealing_steps, flow)

    def initialize():
        for act_norm in waiting(flow):
            act_norm.initialized.assign(True)

    return train(flow, objective, settings, initialize)
