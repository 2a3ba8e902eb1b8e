"""Widgets that are moved by a hand: the true formulas, evaluated in the page.

Each widget is an `anywidget.AnyWidget` whose JavaScript stands beside this file. It needs
no kernel: it moves in the static pages of the book, in a running notebook and in a hosted
one. Its parameters are traits, so that with a kernel `widget.u = [1.0, 0.0]` moves the
picture, and `widget.u` reads what the hand has set.

    >>> from normflows_tut import widgets
    >>> widget = widgets.PlanarRadial(kind="planar", u=[2.0, 0.0], w=[3.0, 0.0])
    >>> widget.u
    [2.0, 0.0]
"""

from normflows_tut.widgets.explorers import (
    CouplingExplorer,
    ElementwiseExplorer,
    KLExplorer,
    LinearMap,
    PlanarRadial,
    Stretch,
)
from normflows_tut.widgets.flow_explorer import FlowExplorer
from normflows_tut.widgets.layer_scrubber import LayerScrubber
from normflows_tut.widgets.mask_explorer import MaskExplorer
from normflows_tut.widgets.posterior_explorer import PosteriorExplorer
from normflows_tut.widgets.spline_explorer import SplineExplorer

__all__ = [
    "CouplingExplorer",
    "ElementwiseExplorer",
    "FlowExplorer",
    "KLExplorer",
    "LayerScrubber",
    "LinearMap",
    "MaskExplorer",
    "PlanarRadial",
    "PosteriorExplorer",
    "SplineExplorer",
    "Stretch",
]
