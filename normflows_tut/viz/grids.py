"""Warped grids: what a bijector does to the plane."""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.collections import LineCollection

from normflows_tut import flows
from normflows_tut.viz.density import box_of, canvas, check_box
from normflows_tut.viz.gif import figure_frame, frames_between, frames_to_gif
from normflows_tut.viz.layers import _ease, _full_bleed, _label
from normflows_tut.viz.theme import SKY, VERMILLION, style


def grid_lines(bounds=((-3.0, 3.0), (-3.0, 3.0)), *, lines=13, points=121):
    """Returns the lines of a grid, `[2 * lines, points, 2]`: first those along x, then along y."""
    (x0, x1), (y0, y1) = bounds
    along_x = np.stack(
        np.meshgrid(np.linspace(x0, x1, points), np.linspace(y0, y1, lines)), axis=-1
    )
    along_y = np.stack(
        np.meshgrid(np.linspace(y0, y1, points), np.linspace(x0, x1, lines))[::-1], axis=-1
    )
    return np.concatenate([along_x, along_y])


def _stages(flow_or_bijectors, lines):
    """Returns `[k + 1, lines, points, 2]`: the grid before and after each of the maps."""
    if isinstance(flow_or_bijectors, (list, tuple)):
        maps = list(flow_or_bijectors)
    elif hasattr(flow_or_bijectors, "bijector"):
        maps = flows.layers(flow_or_bijectors)
    else:
        maps = [flow_or_bijectors]
    dtype = next((m.dtype for m in maps if m.dtype is not None), tf.float32)
    stages = [tf.constant(lines, dtype)]
    for bijector in maps:
        stages.append(bijector.forward(tf.identity(stages[-1])))
    return np.stack([stage.numpy() for stage in stages])


def _draw(ax, lines):
    half = len(lines) // 2
    colours = [SKY] * half + [VERMILLION] * half
    collection = LineCollection(list(lines), colors=colours, linewidths=0.9, alpha=0.9)
    ax.add_collection(collection)
    return collection


def warped_grid(
    flow_or_bijector, ax=None, *, grid=((-3.0, 3.0), (-3.0, 3.0)), bounds=None, title=None
):
    """Draws a grid of the base after `forward`: horizontal lines blue, vertical ones red.

    Args:
      flow_or_bijector: A flow or a bijector over two coordinates.
      ax: Axes; new ones by default.
      grid: `((x0, x1), (y0, y1))`, what the grid covers in the base.
      bounds: What is drawn of the data space; all of the grid by default.
      title: Title of the axes.

    Returns:
      The Axes.
    """
    lines = _stages(flow_or_bijector, grid_lines(grid))[-1]
    box = box_of(lines.reshape(-1, 2)) if bounds is None else check_box(bounds)
    with style():
        if ax is None:
            _, ax = plt.subplots(figsize=(3.4, 3.4), layout="constrained")
        canvas(ax, box, title)
        _draw(ax, lines)
    return ax


def warped_grid_gif(
    flow_or_bijectors,
    *,
    grid=((-3.0, 3.0), (-3.0, 3.0)),
    bounds=None,
    labels=None,
    frames_per_layer=None,
    hold=4,
    fps=14,
    pixels=420,
):
    """Animates a grid on its way through the layers.

    Args:
      flow_or_bijectors: A flow, a bijector, or a list of bijectors from base to data.
      grid: `((x0, x1), (y0, y1))`, what the grid covers in the base.
      bounds: What is drawn; all stages of the grid by default.
      labels: A string for the start and for each layer; none by default.
      frames_per_layer: Frames from one layer to the next; by default as many as keep the
        whole light.
      hold: Frames for which each layer stays.
      fps: Frames a second.
      pixels: Longer side of the animation.

    Returns:
      Bytes of a GIF.

    Raises:
      ValueError: There is not one label for the start and each layer.
    """
    stages = _stages(flow_or_bijectors, grid_lines(grid))
    if labels is not None and len(labels) != len(stages):
        raise ValueError(f"{len(stages)} stages need as many labels, got {labels!r}.")
    box = box_of(stages.reshape(-1, 2)) if bounds is None else check_box(bounds)
    if frames_per_layer is None:
        frames_per_layer = frames_between(len(stages) - 1)
    frames = []
    with style():
        figure, ax = _full_bleed(box, pixels)
        collection, text = _draw(ax, stages[0]), _label(ax)
        for k, stage in enumerate(stages):
            text.set_text("" if labels is None else labels[k])
            ways = [(1 - t) * stages[k - 1] + t * stage for t in _ease(frames_per_layer)]
            for lines in (ways if k else []) + [stage] * hold:
                collection.set_segments(list(lines))
                frames.append(figure_frame(figure))
        plt.close(figure)
    return frames_to_gif(frames, fps=fps, hold=1.5)
