"""The spline explorer's formulas, run in the browser, against TensorFlow: 1e-5 or better."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import IMPORT

from normflows_tut import bijectors, widgets

SOURCE = (Path(widgets.__file__).parent / "rational_quadratic.js").read_text(encoding="utf-8")
LIMITS = {"bound": 3.0, "min_bin_size": 1e-3, "min_slope": 1e-3}
LIMITS_THERE = {"bound": 3.0, "minBinSize": 1e-3, "minSlope": 1e-3}


@pytest.fixture
def spline(page):
    """A function that evaluates an expression of the module `m` and of `args`."""
    page.evaluate(IMPORT, SOURCE)
    return lambda code, *args: page.evaluate(
        f"(args) => {{ const m = window.module; return {code}; }}", list(args)
    )


def settings():
    """Raw parameters, gentle and harsh, and points on both sides of the bound."""
    rng = np.random.default_rng(0)
    for k, num_bins in enumerate([1, 2, 4, 8, 32]):
        raw = (1 + 2 * (k % 2)) * rng.normal(size=3 * num_bins - 1)
        yield raw, rng.uniform(-3.5, 3.5, size=60)


def test_the_pages_spline_is_tensorflows(spline):
    for raw, x in settings():
        reference = bijectors.RationalQuadraticSpline(tf.constant(raw[:, None]), **LIMITS)
        y = reference.forward(x[:, None])
        log_slope = reference.forward_log_det_jacobian(x[:, None], event_ndims=1)
        found = spline(
            "(() => { const k = m.splineKnots(args[0], args[1]);"
            " return args[2].map((x) => m.splineForward(k, x)); })()",
            raw.tolist(),
            LIMITS_THERE,
            x.tolist(),
        )
        np.testing.assert_allclose([f["y"] for f in found], y[:, 0], rtol=0, atol=1e-9)
        np.testing.assert_allclose([f["logDet"] for f in found], log_slope, rtol=0, atol=1e-9)
        back = spline(
            "(() => { const k = m.splineKnots(args[0], args[1]);"
            " return args[2].map((y) => m.splineInverse(k, y)); })()",
            raw.tolist(),
            LIMITS_THERE,
            np.asarray(y)[:, 0].tolist(),
        )
        np.testing.assert_allclose([b["x"] for b in back], x, rtol=0, atol=1e-7)
        np.testing.assert_allclose([b["logDet"] for b in back], log_slope, rtol=0, atol=1e-7)


def test_the_pages_inverse_does_not_cancel_where_b_is_negative(spline):
    """The root as the paper writes it, -2 c / (b + sqrt(b^2 - 4 a c)), is 6e-12 off here."""
    left, right = 1.0, 1e5  # the slopes at the ends of a single bin, the unit square
    knots = [0, 1, 0, 1, left, right]
    x = np.linspace(0.2, 0.99, 80)
    found = spline("args[1].map((x) => m.splineForward(args[0], x).y)", knots, x.tolist())
    b = left - np.array(found) * (left + right - 2)
    assert np.all(b < 0)
    back = spline("args[1].map((y) => m.splineInverse(args[0], y).x)", knots, found)
    np.testing.assert_allclose(back, x, rtol=0, atol=1e-12)


def test_part_of_the_way_is_a_spline_from_the_identity(spline):
    raw, x = list(settings())[3]
    code = (
        "(() => { const k = m.partialSpline(m.splineKnots(args[0], args[1]), args[2]);"
        " return args[3].map((x) => m.splineForward(k, x)); })()"
    )
    start = spline(code, raw.tolist(), LIMITS_THERE, 0, x.tolist())
    np.testing.assert_allclose([f["y"] for f in start], x, rtol=0, atol=1e-12)
    np.testing.assert_allclose([f["logDet"] for f in start], 0, rtol=0, atol=1e-12)
    for t in (0.3, 1.0):
        x = np.sort(x)
        found = np.array([f["y"] for f in spline(code, raw.tolist(), LIMITS_THERE, t, x.tolist())])
        assert np.all(np.diff(found) > 0)


def raw_of(knots, slopes, bound, min_bin_size, min_slope):
    """The raw parameters whose spline has these inner knots and slopes."""
    ends = np.array([[-bound, -bound], *knots, [bound, bound]])
    shares = np.diff(ends, axis=0) / (2 * bound)
    count = len(shares)
    free = (shares - min_bin_size) / (1 - count * min_bin_size)
    excess = np.array(slopes) - min_slope
    offset = np.log(np.expm1(1 - min_slope))
    return np.concatenate([*np.log(free).T, np.log(np.expm1(excess)) - offset])[:, None]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"knots": [[-2.0, -0.4], [0.3, 0.1], [1.1, 2.6]], "slopes": [0.2, 7.0, 1.5]},
        {"knots": [[0.5, -1.0]], "slopes": [0.1], "x": -2.9},
        {"x": 3.4},
    ],
)
def test_what_the_explorer_shows_is_what_tensorflow_computes(show, parameters):
    widget = widgets.SplineExplorer(**parameters)
    found = show(widget)()
    raw = raw_of(widget.knots, widget.slopes, **LIMITS)
    spline = bijectors.RationalQuadraticSpline(tf.constant(raw), **LIMITS)
    x = tf.constant([[widget.x]], tf.float64)
    assert found["y"] == pytest.approx(float(spline.forward(x)[0, 0]), abs=1e-8)
    log_slope = float(spline.forward_log_det_jacobian(tf.identity(x), event_ndims=1)[0])
    assert found["log_slope"] == pytest.approx(log_slope, abs=1e-8)
    assert found["back"] == pytest.approx(widget.x, abs=1e-8)
    normal = np.exp(-0.5 * widget.x**2 - log_slope) / np.sqrt(2 * np.pi)
    assert found["density"] == pytest.approx(normal, abs=1e-8)


def test_linear_pieces_go_through_the_knots(show):
    state = show(widgets.SplineExplorer(pieces="linear", knots=[[-1, 1], [2, 2]], slopes=[1, 1]))
    assert state(x=-1.0)["y"] == pytest.approx(1.0)
    assert state(x=0.5)["y"] == pytest.approx(1.5)
    assert state(x=0.5)["slope"] == pytest.approx(1 / 3)
    assert state(x=0.5)["back"] == pytest.approx(0.5)
    assert state(x=-3.2)["y"] == pytest.approx(-3.2)


def test_knots_and_slopes_move_by_hand_and_by_keys(show, page):
    state = show(widgets.SplineExplorer())
    before = state()
    knot = page.get_by_role("button", name="Knot 2").first
    for _ in range(3):
        knot.press("ArrowUp")
    assert state()["knots"][1] == pytest.approx([0.0, 0.15])
    lever = page.get_by_role("button", name="Handle of the slope at knot 2")
    lever.press("ArrowUp")
    assert state()["slopes"][1] > before["slopes"][1]
    box = page.get_by_role("button", name="Knot 3").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 400, box["y"] + 700, steps=8)
    page.mouse.up()
    knots = state()["knots"]
    assert knots[1][0] < knots[2][0]
    assert knots[1][1] < knots[2][1]  # it stops at its neighbour
    page.get_by_role("button", name="Reset").click()
    after = state()
    assert json.dumps({k: after[k] for k in before}) == json.dumps(before)
    page.get_by_role("button", name="Identity").click()
    assert state(x=1.3)["y"] == pytest.approx(1.3)
