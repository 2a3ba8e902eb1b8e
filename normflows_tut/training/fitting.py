"""Training by maximum likelihood, on data."""

import tensorflow_probability as tfp

from normflows_tut._checks import random_generator
from normflows_tut.bijectors.act_norm import initialize_act_norms
from normflows_tut.flows import ConditionalFlow
from normflows_tut.training.inputs import (
    array_of,
    check_event_shape,
    check_flow,
    context_of,
    waiting,
)
from normflows_tut.training.loop import train
from normflows_tut.training.objectives import ArrayLikelihood, FreshLikelihood, dequantized
from normflows_tut.training.settings import Settings
from normflows_tut.training.validation import Validation, pace

tfd = tfp.distributions

_NUM_IMAGES = 1_000  # that initialize ActNorms


def fit(
    flow,
    data,
    *,
    context=None,
    num_steps=1000,
    batch_size=512,
    learning_rate=1e-3,
    seed=0,
    clip_norm=None,
    validation_data=None,
    validation_context=None,
    validation_every=100,
    patience=None,
    snapshot_every=None,
    snapshot_fn=None,
    checkpoint=None,
    checkpoint_every=1000,
    steps_per_call=50,
    jit_compile=None,
    max_seconds=None,
    progress=True,
):
    """Trains `flow` by maximum likelihood, with Adam.

    ```none
    loss = -mean over a batch of log q(x)
    ```

    which is, up to the data's entropy, KL(p || q); with a context, log q(x | context) stands in its
    place. The first `fit` on a flow initializes its
    `ActNorm`s from the data, among them the standardising step on the data side; later ones
    leave them and continue from the weights as they are, with new moments. The compiled steps
    are kept with the flow: a further `fit` with the same shapes compiles nothing.

    Batches, and the noise of fresh draws, depend on `seed` and the number of the step alone:
    the same call gives the same weights to the last bit (on one machine, with
    `jit_compile=True`; without XLA some operations add up in an order that varies).

    Args:
      flow: A `tfd.Distribution` on events `[d]` or `[height, width, channels]`, with its
        `trainable_variables` complete; or a `flows.ConditionalFlow` of such.
      data: Array `[n, ...]`, of which minibatches are drawn without replacement, or a
        `tfd.Distribution`, of which every step draws a new batch. Of the type uint8, as images
        are, it is dequantized: every step adds fresh noise, uniform on [0, 1), to the numbers.
      context: Array `[n, c]`, the contexts of `data`, an array, for a `ConditionalFlow`. The first
        `fit` sets from it by how much the flow shifts and scales what its networks see.
      num_steps: Number of updates; a resumed run counts those before.
      batch_size: Points a step; at most n of an array.
      learning_rate: A number above 0, or a callable from the step (0, 1, ...) to a number, such
        as `cosine_decay(1e-3, num_steps)`.
      seed: Int from 0 to 2^31 - 1.
      clip_norm: If the norm of the whole gradient is larger, it is scaled down to this.
      validation_data: Array `[m, ...]` or a `tfd.Distribution` (then 10,000 draws). If uint8, it
        is dequantized once.
      validation_context: Array `[m, c]`, the contexts of `validation_data`.
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
      jit_compile: Whether XLA compiles the steps. That takes seconds and makes every step
        faster, so None means: for runs of more than 1,000 steps, unless events are images, whose
        convolutions XLA makes slower on a CPU.
      max_seconds: The run stops after the call in which this time has passed.
      progress: Whether to show a progress bar, on stderr, to a terminal or notebook.

    Returns:
      A `History`. Ctrl-C also returns it, up to the last whole step; a second Ctrl-C raises.

    Raises:
      ValueError: An argument is out of range, data are empty, of another width or not finite, a
        context is missing or superfluous, the flow has no trainable variables or uses some that
        are not among them, or the checkpoint is refused. The flow is as it was then.
      NonFiniteLossError: The loss stopped being finite. The flow has the last weights whose
        loss was finite.

    Reference:
      Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, Algorithm 1.

    Example::

        flow = flows.real_nvp(event_size=2)
        history = fit(flow, targets.make("moons"), num_steps=2_000)
    """
    check_flow(flow)
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
    pacing = pace(validation_data, validation_every, patience, validation_context)
    validation = None
    if validation_data is not None:
        held_back = array_of(flow, validation_data, "validation_data", [settings.seed, -2])
        its_context = context_of(flow, validation_context, len(held_back), "validation_context")
        validation = Validation(
            _without_none(dequantized(held_back, settings.seed, flow.dtype), its_context), *pacing
        )
    if isinstance(data, tfd.Distribution):
        check_event_shape(flow, data, "data")
        if isinstance(flow, ConditionalFlow) or context is not None:
            raise ValueError("With a context, data must be an array, got a distribution.")
        objective = FreshLikelihood(data, settings.batch_size, flow.dtype)
    else:
        data = array_of(flow, data, "data")
        context = context_of(flow, context, len(data), "context")
        arrays = _without_none(data, context)
        objective = ArrayLikelihood(arrays, settings.batch_size, settings.seed, flow.dtype)

    def initialize():
        if not waiting(flow):
            return
        sample = array_of(flow, data, "data", [settings.seed, -1])
        chosen = slice(None)
        if sample.ndim > 2 and len(sample) > _NUM_IMAGES:
            chosen = random_generator(settings.seed).choice(len(sample), _NUM_IMAGES, False)
        sample = dequantized(sample[chosen], settings.seed, flow.dtype)
        if context is None:
            initialize_act_norms(flow.bijector, sample)
            return
        initialize_act_norms(flow.standardise_context, context)
        initialize_act_norms(flow.bijector_given(context[chosen]), sample)

    return train(flow, objective, settings, initialize, validation)


def _without_none(*arrays):
    return [array for array in arrays if array is not None]
