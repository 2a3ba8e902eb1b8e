"""The explorers: one formula each, with a slider for every letter in it."""

from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import Choice, Matrix, Number, Point, WholeNumber


class Stretch(PageWidget):
    """A density pushed through a curve: mass is conserved, density is divided by the slope.

    ```none
    x = f(z) = scale (z + bend tanh(z)) + shift
    p_X(x)   = p_Z(z) / f'(z),                  f'(z) = scale (1 + bend (1 - tanh(z)^2))
    ```

    Ten strips of equal mass move from the base (below) to the pushed density (left); one
    of them is marked, and its mass is computed by quadrature on both sides.

    Args:
      scale: Above 0.
      shift: Any finite number.
      bend: Above -1, so that f increases.
      base: `"normal"`, or `"uniform"` on [0, 1].
      strip: The marked strip, 1 to 10.

    Raises:
      ValueError: A parameter is unknown, not finite or out of its range.

    Example:
      >>> Stretch(scale=0.25).scale
      0.25
    """

    _esm = module("formulas", "kit", "draw", "stretch")
    scale = Number(0.6, above=0)
    shift = Number(0.0)
    bend = Number(1.0, above=-1)
    base = Choice("normal", "uniform")
    strip = WholeNumber(7, low=1, high=10)


class LinearMap(PageWidget):
    """A 2 x 2 matrix: the determinant is the signed area of the image of the unit square.

    ```none
    x = A z,        log|det dx/dz| = log|det A|
    ```

    Args:
      matrix: A as two rows of two numbers; its columns are dragged in the picture.

    Raises:
      ValueError: The matrix has another shape or an entry that is not finite.

    Example:
      >>> LinearMap(matrix=[[2, 0], [0, 1]]).matrix
      [[2.0, 0.0], [0.0, 1.0]]
    """

    _esm = module("formulas", "kit", "draw", "linear_map")
    matrix = Matrix([[1.5, 0.5], [0.3, 1.2]])


class ElementwiseExplorer(PageWidget):
    """Softlog and Softsquare: curve, inverse, slope, log-det and the pushed density.

    ```none
    softlog     y = sign(x) log(|x| + 1)
    softsquare  y = a x + b sign(x) x^2
    ```

    Args:
      kind: `"softlog"` or `"softsquare"`.
      a: Slope of softsquare at 0, above 0.
      b: Bend of softsquare, at least 0.
      x: The point at which the numbers are shown.

    Raises:
      ValueError: A parameter is unknown, not finite or out of its range.

    Example:
      >>> ElementwiseExplorer(kind="softsquare", a=0.5).a
      0.5
    """

    _esm = module("formulas", "kit", "draw", "elementwise")
    kind = Choice("softlog", "softsquare")
    a = Number(1.0, above=0)
    b = Number(0.5, at_least=0)
    x = Number(1.5)


class KLExplorer(PageWidget):
    """Forward and reverse KL divergence of one Gaussian q to a mixture p of two.

    ```none
    forward  KL(p || q) = integral of p log(p / q)
    reverse  KL(q || p) = integral of q log(q / p)
    p = weight N(-separation / 2, spread) + (1 - weight) N(separation / 2, spread)
    ```

    Both are computed by quadrature in the page; two buttons descend on them. The reverse
    divergence has several minima: where the descent ends depends on where q starts.

    Args:
      mu: Mean of q.
      sigma: Standard deviation of q, above 0.
      separation: Distance of the two means of p, at least 0.
      spread: Standard deviation of each part of p, above 0.
      weight: Mass of the left part, between 0 and 1.

    Raises:
      ValueError: A parameter is unknown, not finite or out of its range.

    Example:
      >>> KLExplorer(separation=2).separation
      2.0
    """

    _esm = module("formulas", "kit", "draw", "kl")
    mu = Number(1.2)
    sigma = Number(1.0, above=0)
    separation = Number(4.0, at_least=0)
    spread = Number(0.6, above=0)
    weight = Number(0.5, above=0, below=1)


class PlanarRadial(PageWidget):
    """One planar or radial layer on a Gaussian: grid, density, and log-det at a point.

    The parameters are those of `bijectors.Planar` and `bijectors.Radial`, constraints
    included: `u` and `beta` are the free ones, the picture is drawn with `u_hat` and
    `beta_hat`.

    ```none
    planar  f(z) = z + u_hat tanh(w.z + b)
    radial  f(z) = z + beta_hat (z - center) / (alpha + |z - center|)
    ```

    Args:
      kind: `"planar"` or `"radial"`.
      u: Free direction of the planar layer, two numbers.
      w: Normal of the planar layer's line, two numbers.
      b: Offset of that line.
      center: Centre of the radial layer, two numbers.
      alpha: Reach of the radial layer, above 0.
      beta: Free strength of the radial layer.
      z: The point in the base at which the log-det is shown.

    Raises:
      ValueError: A parameter is unknown, not finite or out of its range.

    Reference:
      Rezende & Mohamed (2015), equations 10 to 14 and appendix A.

    Example:
      >>> PlanarRadial(kind="radial", beta=3).beta
      3.0
    """

    _esm = module("formulas", "kit", "draw", "plane", "planar_radial")
    kind = Choice("planar", "radial")
    u = Point([1.5, 0.5])
    w = Point([2.0, 0.0])
    b = Number(0.0)
    center = Point([0.5, 0.5])
    alpha = Number(1.0, above=0)
    beta = Number(3.0)
    z = Point([0.6, -0.8])


class CouplingExplorer(PageWidget):
    """One affine coupling in the plane: x1 stays, x2 is scaled and shifted by functions of x1.

    ```none
    y1 = x1
    y2 = x2 exp(s(x1)) + t(x1)
    s(x1) = level + slope tanh(x1),         t(x1) = tilt x1 + bend (x1^2 - 1)
    ```

    Args:
      level: Level of the log-scale s.
      slope: How much s changes with x1.
      tilt: Linear part of the shift t.
      bend: Quadratic part of t; with the rest 0, a banana.
      x: The point at which Jacobian and log-det are shown.

    Raises:
      ValueError: A parameter is unknown or not finite.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), equations 4 to 8.

    Example:
      >>> CouplingExplorer(bend=1).bend
      1.0
    """

    _esm = module("formulas", "kit", "draw", "plane", "coupling")
    level = Number(-0.2)
    slope = Number(0.6)
    tilt = Number(0.0)
    bend = Number(0.5)
    x = Point([1.0, 0.6])
