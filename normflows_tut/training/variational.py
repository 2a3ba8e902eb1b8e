"""Training of variational autoencoders."""

import numpy as np

from normflows_tut._checks import event_array, non_negative_int
from normflows_tut.bijectors.act_norm import waiting_act_norms
from normflows_tut.flows import VAE
from normflows_tut.training.loop import train
from normflows_tut.training.objectives import Elbo, binarized
from normflows_tut.training.settings import Settings
from normflows_tut.training.validation import Validation, pace


def fit_elbo(
    vae,
    data,
    *,
    num_steps=1000,
    batch_size=128,
    learning_rate=1e-3,
    seed=0,
    annealing_steps=0,
    clip_norm=None,
    validation_data=None,
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
    """Trains a variational autoencoder by its evidence lower bound, with Adam.

    ```none
    loss_t = -mean over a batch of log p(x | z) + beta_t (log p(z) - log q(z | x))
    beta_t = min(1, 0.01 + t / annealing_steps),        z one sample of q(z | x)
    ```

    With beta_t = 1 that is -ELBO. The smaller beta_t of the first steps lets the latents say
    something before they are asked to cost nothing. `ActNorm`s stay as they are.

    Args:
      vae: A `flows.VAE`.
      data: Array `[n, *event_shape]`. uint8 images are binarized: in every step each pixel is 1
        with probability pixel / 255, else 0. Other numbers are taken as they are; for the default
        likelihood they must be in [0, 1].
      num_steps: Number of updates; a resumed run counts those before.
      batch_size: Images a step.
      learning_rate: A number above 0, or a callable from the step to a number.
      seed: Int from 0 to 2^31 - 1.
      annealing_steps: Length of the rise of beta_t; 0 for beta_t = 1 throughout.
      clip_norm: See `fit`, as all that follow.
      validation_data: Array `[m, *event_shape]`; uint8 is binarized once. Its loss is -ELBO.
      validation_every: Steps between two measurements.
      patience: Stop after so many measurements without a new best.
      snapshot_every: Steps between snapshots.
      snapshot_fn: Callable from the model to what a snapshot shall keep.
      checkpoint: Path of a file to continue from and to save to.
      checkpoint_every: Steps between saves.
      steps_per_call: Steps in one compiled call, at most.
      jit_compile: Whether XLA compiles the steps, or None for what the length suggests.
      max_seconds: The run stops after the call in which this time has passed.
      progress: Whether to show a progress bar.

    Returns:
      A `History`; its losses carry the beta_t of their step.

    Raises:
      ValueError: An argument is out of range, data are of another shape, not finite or outside of
        what the likelihood is for, the model uses variables that it does not track, or the
        checkpoint is refused.
      NonFiniteLossError: The loss stopped being finite; see `fit`.

    Reference:
      Rezende & Mohamed (2015), Variational Inference with Normalizing Flows, algorithm 1; Bowman
      et al. (2016), Generating Sentences from a Continuous Space, section 3.1, for beta_t.
    """
    if not isinstance(vae, VAE):
        raise ValueError(f"vae must be a flows.VAE, got {vae!r}.")
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
    pacing = pace(validation_data, validation_every, patience)
    data = _checked(vae, data, "data")
    validation = None
    if validation_data is not None:
        held_back = _checked(vae, validation_data, "validation_data")
        validation = Validation([binarized(held_back, settings.seed, vae.dtype)], *pacing)
    annealing_steps = non_negative_int("annealing_steps", annealing_steps)
    objective = Elbo(data, settings.batch_size, settings.seed, vae.dtype, annealing_steps)

    def initialize():
        for act_norm in waiting_act_norms(vae):
            act_norm.initialized.assign(True)

    return train(vae, objective, settings, initialize, validation)


def _checked(vae, data, name):
    data = event_array(data, vae.event_shape, dtype=vae.dtype.as_numpy_dtype, name=name)
    if data.dtype != np.uint8:  # which is binarized
        vae.refuse_values(name, data)
    return data
