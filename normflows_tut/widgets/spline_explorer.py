"""A spline under the hand."""

import itertools
import math

import traitlets

from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import Choice, Number, _finite, _items, _pair


class Knots(traitlets.TraitType):
    """Points [x, y] that ascend in both coordinates, shared with the page."""

    def __init__(self, default_value):
        super().__init__([list(knot) for knot in default_value])
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of pairs, or raises a ValueError that names it."""
        knots = [_pair(f"a knot of {self.name}", knot) for knot in _items(self.name, value)]
        if not knots:
            raise ValueError(f"{self.name} must hold at least one knot, got none.")
        for one, other in itertools.pairwise(knots):
            if not (one[0] < other[0] and one[1] < other[1]):
                raise ValueError(
                    f"{self.name} must ascend in both coordinates; {other} comes after {one}."
                )
        return knots


class Slopes(traitlets.TraitType):
    """Numbers above 0, shared with the page."""

    def __init__(self, default_value):
        super().__init__(list(default_value))
        self.tag(sync=True)

    def validate(self, obj, value):
        """Returns the value as a list of floats, or raises a ValueError that names it."""
        slopes = [_finite(f"a slope of {self.name}", slope) for slope in _items(self.name, value)]
        if not all(slope > 0 for slope in slopes):
            raise ValueError(f"{self.name} must be above 0, got {value!r}.")
        return slopes


class SplineExplorer(PageWidget):
    """A monotone spline whose knots are dragged: curve, slope and pushed standard normal.

    Outside [-bound, bound] it is the identity; at the two ends the slope is 1. Between the
    knots it is rational-quadratic, as `bijectors.RationalQuadraticSpline`, or linear.

    Args:
      knots: The inner knots, two numbers [x, y] each, ascending in both.
      slopes: The slope at each of them, above 0; a piecewise-linear curve ignores them.
      bound: Half the width of the range, above 0.
      pieces: `"rational-quadratic"` or `"linear"`.
      x: The point at which the numbers are shown.

    Raises:
      ValueError: A parameter is unknown or not finite, the knots do not ascend or lie outside
        the range, or there are not as many slopes as knots.

    Reference:
      Durkan, Bekasov, Murray & Papamakarios (2019), Neural Spline Flows, equations 4 to 8.

    Example:
      >>> SplineExplorer(knots=[[0, 1]], slopes=[0.5]).knots
      [[0.0, 1.0]]
    """

    _esm = module("formulas", "rational_quadratic", "kit", "draw", "spline_explorer")
    pieces = Choice("rational-quadratic", "linear")
    knots = Knots([[-1.0, -1.6], [0.0, 0.0], [1.0, 1.6]])
    slopes = Slopes([0.7, 3.0, 0.7])
    bound = Number(3.0, above=0)
    x = Number(0.5)

    def __init__(self, **parameters):
        super().__init__(**parameters)
        if len(self.slopes) != len(self.knots):
            raise ValueError(
                f"{len(self.knots)} knots need {len(self.knots)} slopes, got {len(self.slopes)}."
            )
        farthest = max(map(abs, [*self.knots[0], *self.knots[-1]]))
        if not farthest < self.bound or math.isinf(farthest):
            raise ValueError(f"knots must lie within the bound, {self.bound}, got {self.knots}.")
