"""The two public ways to train: by likelihood on data, by reverse KL on a known density."""

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import (
    event_array,
    non_negative_int,
    positive_int,
    random_generator,
)
from normflows_tut.bijectors.act_norm import initialize_act_norms, waiting_act_norms
from normflows_tut.targets import Energy
from normflows_tut.training.checkpoints import Checkpoint
from normflows_tut.training.engine import engine_for
from normflows_tut.training.loop import Run
from normflows_tut.training.objectives import (
    ArrayLikelihood,
    FreshLikelihood,
    ReverseKL,
    dequantized,
)
from normflows_tut.training.settings import Settings
from normflows_tut.training.validation import Validation

tfd = tfp.distributions

_NUM_DRAWS = 10_000  # where a distribution stands in for an array
_NUM_IMAGES = 1_000  # that initialize ActNorms


def fit(
    flow,
    data,
    *,
    num_steps=1000,
    batch_size=512,
    learning_rate=1e-3,
    seed=0,
    clip_norm=None,
    validation_data=None,
    validation_every=100,
    patience=None,
    snapshot_every=None,
    snapshot_fn=None,
    checkpoint=None,
    checkpoint_every=1000,
    steps_per_call=50,
    jit_compile=True,
    max_seconds=None,
    progress=True,
):
    """Trains `flow` by maximum likelihood, with Adam.

    ```none
    loss = -mean over a batch of log q(x)
    ```

    which is, up to the data's entropy, KL(p || q). The first `fit` on a flow initializes its
    `ActNorm`s from the data, among them the standardising step on the data side; later ones
    leave them and continue from the weights as they are, with new moments. The compiled steps
    are kept with the flow: a further `fit` with the same shapes compiles nothing.

    Batches, and the noise of fresh draws, depend on `seed` and the number of the step alone:
    the same call gives the same weights to the last bit (on one machine, compiled with XLA).

    Args:
      flow: A `tfd.Distribution` on events `[d]` or `[height, width, channels]`, with its
        `trainable_variables` complete.
      data: Array `[n, ...]`, of which minibatches are drawn without replacement, or a
        `tfd.Distribution`, of which every step draws a new batch. Of the type uint8, as images
        are, it is dequantized: every step adds fresh noise, uniform on [0, 1), to the numbers.
      num_steps: Number of updates; a resumed run counts those before.
      batch_size: Points a step; at most n of an array.
      learning_rate: A number above 0, or a callable from the step (0, 1, ...) to a number, such
        as `cosine_decay(1e-3, num_steps)`.
      seed: Int from 0 to 2^31 - 1.
      clip_norm: If the norm of the whole gradient is larger, it is scaled down to this.
      validation_data: Array `[m, ...]` or a `tfd.Distribution` (then 10,000 draws). If uint8, it
        is dequantized once.
      validation_every: Steps between two measurements of the validation loss.
      patience: Stop after so many measurements without a new best. The run then ends with the
        weights of the best measurement, whatever stopped it.
      snapshot_every: Steps between snapshots; there is also one at the start and at the end.
      snapshot_fn: Callable from the flow to what a snapshot shall keep; by default a list of
        the values of all `flow.variables`.
      checkpoint: Path. If the file exists, the run continues from it (in place of the flow's
        weights), else it starts; either way it is saved there. The file must fit: the same
        variables, data, seed and so on. `num_steps` may be larger, if the learning rate of
        the steps already made is the same. Snapshots are not saved.
      checkpoint_every: Steps between saves; the run is also saved where it ends, unless by an
        exception.
      steps_per_call: Steps in one compiled call, at most.
      jit_compile: Whether XLA compiles the steps. Without, results repeat only nearly.
      max_seconds: The run stops after the call in which this time has passed.
      progress: Whether to show a progress bar, on stderr, to a terminal or notebook.

    Returns:
      A `History`. Ctrl-C also returns it, up to the last whole step; a second Ctrl-C raises.

    Raises:
      ValueError: An argument is out of range, data are empty, of another width or not finite,
        the flow has no trainable variables or uses some that are not among them, or the
        checkpoint is refused. The flow is as it was then.
      NonFiniteLossError: The loss stopped being finite. The flow has the last weights whose
        loss was finite.

    Reference:
      Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, Algorithm 1.

    Example::

        flow = flows.real_nvp(event_size=2)
        history = fit(flow, targets.make("moons"), num_steps=2_000)
    """
    _check_flow(flow)
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
    if patience is not None and validation_data is None:
        raise ValueError(f"patience={patience!r} needs validation_data.")
    validation = None
    if validation_data is not None:
        validation = Validation(
            dequantized(
                _array(flow, validation_data, "validation_data", [settings.seed, -2]),
                settings.seed,
                flow.dtype,
            ),
            positive_int("validation_every", validation_every),
            None if patience is None else positive_int("patience", patience),
        )
    if isinstance(data, tfd.Distribution):
        _check_event_shape(flow, data, "data")
        objective = FreshLikelihood(data, settings.batch_size, flow.dtype)
    else:
        data = _array(flow, data, "data")
        objective = ArrayLikelihood(data, settings.batch_size, settings.seed, flow.dtype)

    def initialize():
        if _waiting_act_norms(flow):
            sample = _array(flow, data, "data", [settings.seed, -1])
            if sample.ndim > 2 and len(sample) > _NUM_IMAGES:
                chosen = random_generator(settings.seed).choice(len(sample), _NUM_IMAGES, False)
                sample = sample[chosen]
            sample = dequantized(sample, settings.seed, flow.dtype)
            initialize_act_norms(flow.bijector, sample)

    return _train(flow, objective, settings, initialize, validation)


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
    jit_compile=True,
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
      jit_compile: Whether XLA compiles the steps.
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
    _check_flow(flow)
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
        _check_event_shape(flow, target_log_prob, "target_log_prob")
        target_log_prob = target_log_prob.log_prob
    elif not callable(target_log_prob):
        raise ValueError(
            f"target_log_prob must be a callable or a tfd.Distribution, got {target_log_prob!r}."
        )
    annealing_steps = non_negative_int("annealing_steps", annealing_steps)
    objective = ReverseKL(target_log_prob, settings.batch_size, annealing_steps, flow)

    def initialize():
        for act_norm in _waiting_act_norms(flow):
            act_norm.initialized.assign(True)

    return _train(flow, objective, settings, initialize)


def _train(flow, objective, settings, initialize, validation=None):
    engine = engine_for(
        flow,
        objective,
        steps_per_call=settings.steps_per_call,
        clipped=settings.clip_norm is not None,
        jit_compile=settings.jit_compile,
    )
    checkpoint = None
    if settings.checkpoint is not None:
        agreed = {"seed": settings.seed, "clip_norm": settings.clip_norm} | objective.agreed()
        agreed |= validation.agreed() if validation else {}
        checkpoint = Checkpoint(settings.checkpoint, settings.checkpoint_every, agreed, flow)
    return Run(flow, engine, objective, settings, validation, checkpoint).go(initialize)


def _array(flow, data, name, seed=None):
    """Returns data, or draws from a distribution with the stateless `seed`, checked."""
    if isinstance(data, tfd.Distribution):
        _check_event_shape(flow, data, name)
        data = tf.cast(data.sample(_NUM_DRAWS, seed=tf.constant(seed)), flow.dtype)
    dtype = flow.dtype.as_numpy_dtype
    return event_array(data, flow.event_shape, dtype=dtype, name=name)


def _check_flow(flow):
    if tf.inside_function():  # the compiled steps would be lost with the graph they are made in
        raise ValueError("Training cannot run inside a tf.function: call it from plain Python.")
    if not isinstance(flow, tfd.Distribution):
        raise ValueError(f"flow must be a tfd.Distribution, got {flow!r}.")
    if flow.event_shape.rank not in (1, 3) or flow.batch_shape.rank != 0:
        raise ValueError(
            f"flow must be on events [d] or [height, width, channels] and have no batch shape, "
            f"got event_shape {flow.event_shape} and batch_shape {flow.batch_shape}."
        )


def _check_event_shape(flow, distribution, name):
    if distribution.event_shape != flow.event_shape or distribution.batch_shape.rank != 0:
        raise ValueError(
            f"{name} must have event_shape {flow.event_shape} and no batch shape, "
            f"got {distribution}."
        )


def _waiting_act_norms(flow):
    """Returns the `ActNorm`s of `flow` that no run has initialized."""
    return waiting_act_norms(flow.bijector) if hasattr(flow, "bijector") else []
