"""One look for every figure, readable on a white and on a near-black page.

What has an area (densities, point clouds, grids) stands on a deep-ink canvas that
fills the figure to its edges; line plots are transparent, with text and axes in a
grey that reads on both pages. No global state is touched: every function works
inside `style()` and leaves matplotlib's settings as they were.
"""

import contextlib

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap

INK = "#0b1020"  # The canvas; also what a density of zero looks like.
CHALK = "#c3c9d8"  # Text on the canvas.
GREY = "#767676"  # Text and axes without one: 4.5:1 on white, 4.1:1 on #121212.

# Okabe & Ito's palette: on either page at least 3:1 for the first three.
BLUE, VERMILLION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
SKY, YELLOW, ORANGE = "#56b4e9", "#f0e442", "#e69f00"
LINES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

# Right is warm and left is cool, above is light and below is deep: the four that stay
# farthest apart for deuteranopes, protanopes and tritanopes alike.
QUADRANTS = (YELLOW, SKY, BLUE, VERMILLION)  # Counter-clockwise from (+, +).

DPI = 144

# From the canvas to a warm white by equal steps of OKLab lightness.
EMBER = LinearSegmentedColormap.from_list(
    "ember",
    [
        *(INK, "#211f54", "#452a84", "#862f93", "#c33a83"),
        *("#ee5f64", "#fd9557", "#fec884", "#fff4cb"),
    ],
    N=512,
)


@contextlib.contextmanager
def style(*, dark=False):
    """The settings of this book's figures, as a context; outside of it nothing changes.

    Args:
      dark: Whether figures stand on the ink of the canvas, and look the same on a light and on a
        dark page, as the frames of a GIF must; otherwise they have no background.

    Example:
      >>> import matplotlib.pyplot as plt
      >>> with style():
      ...     figure, ax = plt.subplots()
    """
    ground, line = (INK, CHALK) if dark else ("none", GREY)
    settings = {
        "figure.facecolor": ground,
        "figure.edgecolor": "none",
        "savefig.facecolor": "auto",
        "axes.facecolor": ground,
        "axes.edgecolor": line,
        "axes.labelcolor": line,
        "axes.titlecolor": line,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "axes.titlesize": 10,
        "axes.labelsize": 10,
        "axes.prop_cycle": mpl.cycler(color=LINES),
        "text.color": line,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "legend.frameon": False,
        "legend.labelcolor": line,
        "legend.fontsize": 9,
        "grid.color": line,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "font.family": ["DejaVu Sans"],
        "figure.dpi": DPI,
        "figure.autolayout": False,
        "figure.constrained_layout.use": False,
    }
    # Not `mpl.rc_context`, which puts *every* setting back: pyplot's first use inside would lose
    # the `interactive` that a notebook's backend has just switched on; later figures stay unseen.
    before = {name: mpl.rcParams[name] for name in settings}
    mpl.rcParams.update(settings)
    try:
        yield
    finally:
        mpl.rcParams.update(before)
