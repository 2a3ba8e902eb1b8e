"""Curves of a training run and of a flow's layers."""

import matplotlib.pyplot as plt
import numpy as np

from normflows_tut.viz.theme import BLUE, GREY, VERMILLION, style


def _axes(ax, figsize=(5.6, 3.0)):
    if ax is None:
        with style():
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def loss(history, ax=None, *, entropy=None, smooth=25):
    """Draws the loss of a training run, faint, and its running mean.

    Args:
      history: A `training.History`.
      ax: Axes; new ones by default.
      entropy: The target's entropy in nats, the lowest value the loss can reach; drawn as a
        line.
      smooth: Steps in the running mean.

    Returns:
      The Axes.

    Raises:
      ValueError: The history has no steps.
    """
    values = np.asarray(history.loss, np.float64)
    if not len(values):
        raise ValueError(f"there is no loss to draw: {history!r}.")
    ax = _axes(ax)
    smooth = max(1, min(smooth, len(values)))
    running = np.convolve(values, np.ones(smooth) / smooth, mode="valid")
    with style():
        ax.plot(history.step, values, color=BLUE, alpha=0.25, linewidth=0.8)
        ax.plot(np.asarray(history.step)[smooth - 1 :], running, color=BLUE, label="training")
        if len(history.validation_step):
            ax.plot(
                history.validation_step,
                history.validation_loss,
                color=VERMILLION,
                marker="o",
                markersize=3,
                label="validation",
            )
        if entropy is not None:
            ax.axhline(entropy, color=GREY, linestyle="--", linewidth=1.2, label="entropy")
        # The first steps would else set the scale for all that follows.
        low = min(running.min(), np.inf if entropy is None else entropy)
        high = max(np.quantile(values, 0.99), running[len(running) // 20])
        room = 0.06 * max(high - low, 1e-6)
        ax.set(xlabel="step", ylabel="loss (nats)", ylim=(low - room, high + room))
        if len(ax.get_legend_handles_labels()[0]) > 1:
            ax.legend()
    return ax


def kl_trace(estimates, ax=None, *, label=None, color=BLUE):
    """Draws the KL after every layer, with one standard error to either side.

    The axis is logarithmic where all values are above 0. A bar that would reach 0 there ends at
    a tenth of its value.

    Args:
      estimates: What `evaluation.kl_trace` returned.
      ax: Axes; new ones by default. Call twice to compare two flows.
      label: Name of the curve, for a legend.
      color: Colour of the curve.

    Returns:
      The Axes.
    """
    ax = _axes(ax)
    values = np.array([estimate.value for estimate in estimates])
    above = np.array([estimate.standard_error for estimate in estimates])
    logarithmic = (values > 0).all()
    below = np.minimum(above, 0.9 * values) if logarithmic else above
    with style():
        ax.errorbar(
            np.arange(len(values)),
            values,
            yerr=[below, above],
            color=color,
            marker="o",
            markersize=4,
            linewidth=1.4,
            capsize=2,
            label=label,
        )
        if logarithmic:
            ax.set_yscale("log")
        ax.set(xlabel="layers", ylabel="KL (nats)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        if label:
            ax.legend()
    return ax
