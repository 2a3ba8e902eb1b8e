"""Adaptive integration over an interval or a rectangle, vectorised over its panels."""

import itertools

import numpy as np

from normflows_tut import _checks
from normflows_tut.evaluation.density import check_bounds, default_bounds, log_density

# Four Gauss-Legendre nodes a side are exact for polynomials of degree 7.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_FIRST_PANELS = {1: 256, 2: 32}


def _panel_integrals(function, centres, half_widths):
    """Integrates `function` over each panel: centres [m, d], half_widths [d] -> [m]."""
    d = centres.shape[1]
    nodes = np.array(list(itertools.product(_NODES, repeat=d)))  # [4^d, d]
    weights = np.prod(list(itertools.product(_WEIGHTS, repeat=d)), axis=1)  # [4^d]
    points = centres[:, None, :] + nodes * half_widths  # [m, 4^d, d]
    values = function(points.reshape(-1, d)).reshape(len(centres), -1)
    return values @ weights * np.prod(half_widths)


def _integrate(function, bounds, tolerance, max_evaluations):
    """Integrates a function over an interval or a rectangle.

    Every panel is compared with the sum over its 2^d children. As long as the
    differences sum to more than `tolerance`, the panels that matter are split again:
    all but the smallest differences that together stay within half of it.

    Args:
      function: Callable from points [n, d] to values [n].
      bounds: Array [d, 2] of lower and upper ends, d = 1 or 2.
      tolerance: Absolute error to aim for.
      max_evaluations: The number of points after which no panel is split any more.

    Returns:
      The integral, and the sum of the last differences as an estimate of its error.
    """
    d = len(bounds)
    per_side = _FIRST_PANELS[d]
    half_widths = (bounds[:, 1] - bounds[:, 0]) / (2 * per_side)
    ticks = [
        low + (2 * np.arange(per_side) + 1) * h
        for (low, _), h in zip(bounds, half_widths, strict=True)
    ]
    centres = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, d)
    coarse = _panel_integrals(function, centres, half_widths)
    evaluations = len(centres) * len(_NODES) ** d
    corners = np.array(list(itertools.product([-0.5, 0.5], repeat=d)))  # [2^d, d]

    settled, settled_error = 0.0, 0.0
    while True:
        children = (centres[:, None, :] + corners * half_widths).reshape(-1, d)
        fine = _panel_integrals(function, children, half_widths / 2).reshape(len(centres), -1)
        evaluations += len(children) * len(_NODES) ** d
        difference = np.abs(fine.sum(axis=1) - coarse)
        order = np.argsort(difference)
        small = settled_error + np.cumsum(difference[order]) <= tolerance / 2
        cost = fine.shape[1] ** 2 * len(_NODES) ** d  # Points to test the children of one panel.
        affordable = max(0, max_evaluations - evaluations) // cost
        num_settled = max(int(small.sum()), len(order) - affordable)
        if settled_error + difference.sum() <= tolerance:
            num_settled = len(order)
        done, split = order[:num_settled], order[num_settled:]
        settled += fine[done].sum()
        settled_error += difference[done].sum()
        if not len(split):
            return float(settled), float(settled_error)
        centres = children.reshape(len(centres), -1, d)[split].reshape(-1, d)
        coarse = fine[split].reshape(-1)
        half_widths = half_widths / 2


def integral(distribution, bounds=None, *, tolerance=1e-4, max_evaluations=2_000_000):
    """Integrates a density over an interval or a rectangle.

    Gauss-Legendre panels, split where they disagree with their children, so that the
    nodes gather at ridges and edges. Smooth densities come out far better than
    `tolerance`. Discontinuous ones (a checkerboard, a picture) are within 1e-3, where
    the edges use up `max_evaluations`.

    Args:
      distribution: A distribution over one or two coordinates, or a callable
        log-density, normalised or not: then the result is its constant Z.
      bounds: (x0, x1) or ((x0, x1), (y0, y1)); None for `default_bounds`.
      tolerance: Absolute error to aim for.
      max_evaluations: The number of points after which no panel is split any more.

    Returns:
      The integral, a float.

    Raises:
      ValueError: More than two coordinates, bounds that are none, or a NaN density.

    Example:
      >>> round(integral(tfd.Normal(0.0, 1.0), bounds=(-1.0, 1.0)), 4)
      0.6827
    """
    tolerance = _checks.positive_float("tolerance", tolerance)
    max_evaluations = _checks.positive_int("max_evaluations", max_evaluations)
    shape = getattr(distribution, "event_shape", None)  # A function has none.
    if shape is not None and shape not in ([], [1], [2]):
        raise ValueError(f"only 1 or 2 coordinates can be integrated, got event shape {shape}.")
    box = default_bounds(distribution) if bounds is None else check_bounds(bounds)
    if shape is not None and len(box) != shape.num_elements():
        raise ValueError(
            f"bounds must be those of {shape.num_elements()} coordinates, got {bounds!r}."
        )
    scalar = len(box) == 1 and shape != [1]

    def density(points):
        return np.exp(log_density(distribution, points[:, 0] if scalar else points))

    return _integrate(density, box, tolerance, max_evaluations)[0]


def integrates_to_one(distribution, bounds=None, tolerance=1e-3):
    """Says whether a density integrates to 1, within `tolerance`; see `integral`.

    Example:
      >>> integrates_to_one(tfd.Normal(0.0, 1.0))
      True
    """
    total = integral(distribution, bounds, tolerance=min(1e-4, tolerance / 2))
    return abs(total - 1.0) <= tolerance
