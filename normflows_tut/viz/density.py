"""Densities and samples on the ink canvas."""

import matplotlib.pyplot as plt
import numpy as np

from normflows_tut import evaluation
from normflows_tut._checks import data_array, positive_int
from normflows_tut.evaluation.density import check_bounds
from normflows_tut.viz.theme import CHALK, EMBER, INK, SKY, style

# Half the densities' dynamic range is spent on the faint parts: bridges between modes show.
_GAMMA = 0.5


def view_of(target, bounds=None):
    """Returns the box `((x0, x1), (y0, y1))` to draw: as given, or the target's own."""
    box = bounds
    if bounds is None and not isinstance(target, np.ndarray):  # whose `view` is a method
        box = getattr(target, "view", None)
    return check_box(evaluation.default_bounds(target) if box is None else box)


def check_box(bounds):
    """Returns `bounds` as an array [2, 2], or raises a ValueError that names it."""
    box = check_bounds(bounds)
    if len(box) != 2:
        raise ValueError(f"bounds must be ((x0, x1), (y0, y1)), got {bounds!r}.")
    return box


def density_grid(target, bounds=None, *, resolution=256):
    """Evaluates a density on a grid of pixel centres.

    Args:
      target: A distribution over two coordinates, or a callable log-density of `[n, 2]`.
      bounds: `((x0, x1), (y0, y1))`; the target's `view` or bounds by default.
      resolution: Pixels along the longer side.

    Returns:
      Array `[height, width]` of densities, row 0 at the bottom.
    """
    resolution = positive_int("resolution", resolution)
    box = view_of(target, bounds)
    size = box[:, 1] - box[:, 0]
    columns, rows = np.maximum(2, np.round(resolution * size / size.max())).astype(int)
    x = box[0, 0] + size[0] * (np.arange(columns) + 0.5) / columns
    y = box[1, 0] + size[1] * (np.arange(rows) + 0.5) / rows
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return np.exp(evaluation.log_density(target, points)).reshape(rows, columns)


def canvas(ax, box, title=None):
    """Makes `ax` an ink canvas over `box`: no ticks, equal scales."""
    ax.set_facecolor(INK)
    ax.set(xlim=box[0], ylim=box[1], xticks=[], yticks=[], aspect="equal")
    for spine in ax.spines.values():
        spine.set_visible(False)
    if title:
        ax.set_title(title, pad=6)
    return ax


def _new_axes(box, width=3.4):
    with style():
        size = box[:, 1] - box[:, 0]
        _, ax = plt.subplots(figsize=(width, width * size[1] / size[0] + 0.3), layout="constrained")
    return ax


def density(target, ax=None, *, bounds=None, resolution=256, top=None, title=None):
    """Draws a density as brightness: the square root of the density, against the brightest.

    A tenth of the highest density is drawn a third as bright, so that faint bridges between modes
    show. Each panel has its own brightest value unless `top` says otherwise.

    Args:
      target: A distribution over two coordinates, or a callable log-density of `[n, 2]`.
      ax: Axes; new ones by default.
      bounds: `((x0, x1), (y0, y1))`; the target's `view` or bounds by default.
      resolution: Pixels along the longer side.
      top: The density that is brightest; by default the 99.8% quantile of the pixels. Give
        two panels the same to compare them.
      title: Title of the axes.

    Returns:
      The Axes.
    """
    box = view_of(target, bounds)
    ax = _new_axes(box) if ax is None else ax
    values = density_grid(target, box, resolution=resolution)
    return draw_density(ax, values, box, top=top, title=title)


def brightest(values):
    """Returns the density that is drawn brightest: a lone spike shall not darken the rest."""
    positive = values[values > 0]
    return float(np.quantile(positive, 0.998)) if positive.size else 1.0


def draw_density(ax, values, box, *, top=None, title=None):
    """Draws the grid `values` `[height, width]`, row 0 at the bottom, on `ax`."""
    with style():
        canvas(ax, box, title)
        ax.imshow(
            (np.minimum(values / (brightest(values) if top is None else top), 1.0)) ** _GAMMA,
            extent=[*box[0], *box[1]],
            origin="lower",
            cmap=EMBER,
            vmin=0.0,
            vmax=1.0,
            interpolation="bilinear",
        )
    return ax


def samples(points, ax=None, *, bounds=None, colors=None, size=2.0, title=None):
    """Draws points.

    Args:
      points: Array `[n, 2]`, or a distribution: then 4,000 samples of it.
      ax: Axes; new ones by default.
      bounds: `((x0, x1), (y0, y1))`; by default the box of all but the outermost points.
      colors: One colour, or one for each point.
      size: Area of a point.
      title: Title of the axes.

    Returns:
      The Axes.

    Raises:
      ValueError: `points` has another shape than `[n, 2]`, is empty or not finite.
    """
    if hasattr(points, "sample"):
        bounds = view_of(points) if bounds is None else bounds
        points = points.sample(4_000, seed=np.array([0, 0], np.int32))
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape [n, 2], got {list(points.shape)}.")
    box = box_of(points) if bounds is None else check_box(bounds)
    ax = _new_axes(box) if ax is None else ax
    with style():
        canvas(ax, box, title)
        ax.scatter(*points.T, s=size, c=SKY if colors is None else colors, linewidths=0)
    return ax


def box_of(points, margin=0.08):
    """Returns a box around all but the outermost 0.2% of `points` `[n, 2]`, n at least 1."""
    points = data_array(points, 2, dtype=np.float64, name="points")
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    room = margin * np.maximum(high - low, 1e-6)
    return np.stack([low - room, high + room], axis=1)


def density_beside_truth(target, flow, *, bounds=None, resolution=256, titles=None, figsize=None):
    """Draws the exact density, the flow's, and samples of the flow, on one scale.

    Args:
      target: The distribution that was learned.
      flow: The flow that learned it.
      bounds: `((x0, x1), (y0, y1))`; the target's `view` or bounds by default.
      resolution: Pixels along the longer side.
      titles: Three strings.
      figsize: Size of the figure in inches.

    Returns:
      Array of three Axes.
    """
    box = view_of(target, bounds)
    truth = density_grid(target, box, resolution=resolution)
    titles = ("the target", "the flow", "samples of the flow") if titles is None else titles
    size = box[:, 1] - box[:, 0]
    with style():
        _, axes = plt.subplots(
            1, 3, figsize=figsize or (9.0, 3.0 * size[1] / size[0] + 0.35), layout="constrained"
        )
    draw_density(axes[0], truth, box, title=titles[0])
    density(flow, axes[1], bounds=box, resolution=resolution, top=brightest(truth), title=titles[1])
    samples(
        flow.sample(4_000, seed=np.array([0, 0], np.int32)),
        axes[2],
        bounds=box,
        colors=CHALK,
        size=1.2,
        title=titles[2],
    )
    return axes
