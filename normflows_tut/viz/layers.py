"""A flow layer by layer: strips and animations of points, grids and densities."""

import io

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from PIL import Image

from normflows_tut import flows
from normflows_tut._checks import positive_float, positive_int, seed_number
from normflows_tut.viz.density import (
    box_of,
    brightest,
    canvas,
    check_box,
    density_grid,
    draw_density,
    view_of,
)
from normflows_tut.viz.gif import figure_frame, frames_between, frames_to_gif
from normflows_tut.viz.theme import CHALK, INK, QUADRANTS, style


def quadrant_colors(z):
    """Returns the colour of the quadrant that each point `[n, 2]` of the base lies in.

    Counter-clockwise from the upper right: yellow, light blue, blue, vermilion.
    """
    z = np.asarray(z)
    return np.array(QUADRANTS)[np.where(z[:, 1] >= 0, z[:, 0] < 0, 3 - (z[:, 0] < 0))]


def layer_points(flow, num_points=3_000, seed=0):
    """Pushes points of the base through a flow.

    Returns:
      z `[n, 2]`, and `[num_layers + 1, n, 2]`: the points after the first k layers, in the
      units of the data.

    Raises:
      ValueError: `flow` is no flow over two coordinates, or a number is out of range.
    """
    stack = flows.prefixes(flow)
    if flow.event_shape != [2]:
        raise ValueError(f"a flow over two coordinates is needed, got {flow!r}.")
    num_points, seed = positive_int("num_points", num_points), seed_number(seed)
    z = flow.distribution.sample(num_points, seed=tf.constant([seed, 0]))
    stages = [prefix.bijector.forward(tf.identity(z)).numpy() for prefix in stack]
    return z.numpy(), np.stack(stages)


def _layer_label(k, last):
    return "base" if k == 0 else f"layer {k} of {last}"


def layer_strip(flow, *, num_points=3_000, seed=0, bounds=None, columns=6, size=1.2):
    """Draws the points after every layer, coloured by their quadrant in the base.

    Args:
      flow: A flow over two coordinates.
      num_points: Number of points.
      seed: Decides the points.
      bounds: `((x0, x1), (y0, y1))`; a box that holds the points of every layer by default.
      columns: Largest number of panels in a row.
      size: Area of a point.

    Returns:
      Array of Axes, one for the base and one for each layer.
    """
    z, stages = layer_points(flow, num_points, seed)
    box = box_of(stages.reshape(-1, 2)) if bounds is None else check_box(bounds)
    count, columns = len(stages), positive_int("columns", columns)
    rows = -(-count // min(columns, count))
    columns = -(-count // rows)  # rows of about one length
    aspect = np.diff(box[1])[0] / np.diff(box[0])[0]
    width = 9.0 / columns
    with style():
        _, grid = plt.subplots(
            rows,
            columns,
            figsize=(9.0, rows * (width * aspect + 0.25)),
            squeeze=False,
            layout="constrained",
        )
        for k, ax in enumerate(grid.ravel()):
            if k >= count:
                ax.set_axis_off()
                continue
            canvas(ax, box, _layer_label(k, count - 1))
            ax.scatter(*stages[k].T, s=size, c=quadrant_colors(z), linewidths=0)
    return grid.ravel()[:count]


def _full_bleed(box, pixels):
    """Returns a figure that is all canvas, `pixels` along its longer side, and its axes."""
    size = box[:, 1] - box[:, 0]
    inches = pixels / 100 * size / size.max()
    figure = plt.figure(figsize=inches, dpi=100, facecolor=INK)
    return figure, canvas(figure.add_axes([0, 0, 1, 1]), box)


def _label(ax):
    return ax.text(
        0.02, 0.98, "", transform=ax.transAxes, ha="left", va="top", color=CHALK, fontsize=11
    )


def _ease(steps):
    """Returns `steps` numbers from above 0 to 1 that start and end slowly."""
    t = np.arange(1, steps + 1) / steps
    return t * t * (3.0 - 2.0 * t)


def _morph(stages, frames_per_layer, hold):
    """Yields (k, points) from stage to stage; each stage is held for some frames."""
    for k, stage in enumerate(stages):
        if k:
            for t in _ease(frames_per_layer):
                yield k, (1 - t) * stages[k - 1] + t * stage
        for _ in range(hold):
            yield k, stage


def layer_gif(
    flow,
    *,
    num_points=3_000,
    seed=0,
    bounds=None,
    frames_per_layer=None,
    hold=2,
    fps=12,
    pixels=420,
    size=2.1,
):
    """Animates the points on their way from the base to the data, layer by layer.

    Between two layers the points move on straight lines: the flow is defined at the layers,
    the way between them is drawn. What is too heavy for a page is drawn again with fewer frames
    between the layers, then with fewer points.

    Args:
      flow: A flow over two coordinates.
      num_points: Number of points, coloured by their quadrant in the base.
      seed: Decides the points.
      bounds: `((x0, x1), (y0, y1))`; a box that holds the points of every layer by default.
      frames_per_layer: Frames from one layer to the next; by default as many as keep the
        whole light.
      hold: Frames for which each layer stays.
      fps: Frames a second.
      pixels: Longer side of the animation.
      size: Area of a point.

    Returns:
      Bytes of a GIF.
    """
    fps = positive_float("fps", fps)  # below, a ValueError says that the GIF is too heavy
    z, stages = layer_points(flow, num_points, seed)
    if frames_per_layer is None:
        frames_per_layer = frames_between(len(stages) - 1)
    box = box_of(stages.reshape(-1, 2)) if bounds is None else check_box(bounds)
    while True:
        frames = _cloud_frames(z, stages, box, frames_per_layer, hold, pixels, size)
        try:
            return frames_to_gif(frames, fps=fps, hold=1.5)
        except ValueError:
            if frames_per_layer > 1:
                frames_per_layer //= 2
            elif len(z) > 500:
                z, stages = z[::2], stages[:, ::2]
            else:
                raise


def _cloud_frames(z, stages, box, frames_per_layer, hold, pixels, size):
    with style():
        figure, ax = _full_bleed(box, pixels)
        # Squares of whole pixels: soft edges would make the GIF two and a half times as large.
        cloud = ax.scatter(
            *stages[0].T,
            s=size,
            c=quadrant_colors(z),
            marker="s",
            linewidths=0,
            antialiased=False,
        )
        label, frames = _label(ax), []
        for k, points in _morph(stages, frames_per_layer, hold):
            cloud.set_offsets(points)
            label.set_text(_layer_label(k, len(stages) - 1))
            frames.append(figure_frame(figure))
        plt.close(figure)
    return frames


def png_frames(flow, *, num_points=3_000, seed=0, bounds=None, pixels=420, size=3.0):
    """Draws each layer's points as a picture of its own, for `widgets.LayerScrubber`.

    Returns:
      List of `num_layers + 1` PNGs as bytes, and the list of their labels.
    """
    z, stages = layer_points(flow, num_points, seed)
    box = box_of(stages.reshape(-1, 2)) if bounds is None else check_box(bounds)
    pictures = []
    with style():
        figure, ax = _full_bleed(box, pixels)
        cloud = ax.scatter(*stages[0].T, s=size, c=quadrant_colors(z), linewidths=0)
        for stage in stages:
            cloud.set_offsets(stage)
            pictures.append(to_png(figure_frame(figure)))
        plt.close(figure)
    return pictures, [_layer_label(k, len(stages) - 1) for k in range(len(stages))]


def to_png(frame, colours=64):
    """Packs a frame `[height, width, 3]` into a PNG with few colours, which is small."""
    image = Image.fromarray(frame).quantize(colours, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def density_gif(distributions, labels, *, bounds=None, resolution=160, pixels=420, fps=4, top=None):
    """Animates densities one after the other: a training run, or stacks of growing depth.

    Args:
      distributions: Distributions over two coordinates, log-densities of `[n, 2]`, or grids
        `[height, width]` that `density_grid` returned.
      labels: A string for each.
      bounds: `((x0, x1), (y0, y1))`; those of the last distribution by default.
      resolution: Pixels of the evaluation along the longer side.
      pixels: Longer side of the animation.
      fps: Densities a second.
      top: The density that is brightest; that of the last by default.

    Returns:
      Bytes of a GIF.

    Raises:
      ValueError: There is not one label for each distribution.
    """
    distributions = list(distributions)
    if not distributions:
        raise ValueError("distributions is empty: a GIF needs at least one.")
    if len(labels) != len(distributions):
        raise ValueError(f"{len(distributions)} distributions need as many labels, got {labels!r}.")
    box = view_of(distributions[-1], bounds)
    grids = [
        d if isinstance(d, np.ndarray) else density_grid(d, box, resolution=resolution)
        for d in distributions
    ]
    top = brightest(grids[-1]) if top is None else top
    frames = []
    with style():
        for grid, text in zip(grids, labels, strict=True):
            figure, ax = _full_bleed(box, pixels)
            draw_density(ax, grid, box, top=top)
            _label(ax).set_text(text)
            frames.append(figure_frame(figure))
            plt.close(figure)
    return frames_to_gif(frames, fps=fps, hold=2.0)
