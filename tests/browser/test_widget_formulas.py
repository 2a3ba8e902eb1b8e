"""The widgets' JavaScript, run in the browser, against TensorFlow and numpy: 1e-5 or better."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import IMPORT

from normflows_tut import bijectors, widgets

FORMULAS = (Path(widgets.__file__).parent / "formulas.js").read_text(encoding="utf-8")
TOLERANCE = 1e-5


@pytest.fixture
def call(page):
    """A function that evaluates a JavaScript expression of the module `m` and of `args`."""
    page.evaluate(IMPORT, FORMULAS)
    return lambda code, *args: page.evaluate(
        f"(args) => {{ const m = window.module; return {code}; }}", list(args)
    )


def random_settings(seed, count=12):
    """Returns settings of both layers with points, some of them hard on the constraints."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        stress = 4.0 if k % 3 == 0 else 1.0
        yield {
            "u": (stress * rng.normal(size=2)).tolist(),
            "w": (stress * rng.normal(size=2)).tolist(),
            "b": float(rng.normal()),
            "center": rng.normal(size=2).tolist(),
            "alpha": float(rng.uniform(0.05, 3.0)),
            "beta": float(stress * rng.normal()),
            "z": rng.normal(size=2).tolist(),
        }


def reference_layer(kind, p):
    """Returns the module's own layer with these parameters, in float64."""
    if kind == "planar":
        return bijectors.Planar(2, u=p["u"], w=p["w"], b=p["b"], dtype=tf.float64)
    return bijectors.Radial(
        2, center=p["center"], alpha=p["alpha"], beta=p["beta"], dtype=tf.float64
    )


def push(layer, z, event_ndims=1):
    """Returns forward(z) and its log-det at one point, as numpy arrays."""
    z = np.asarray(z, np.float64)
    y = layer.forward(z).numpy()
    return y, layer.forward_log_det_jacobian(z + 0, event_ndims=event_ndims).numpy()


@pytest.mark.parametrize("kind", ["planar", "radial"])
def test_layers_agree_with_tensorflow(call, kind):
    for p in random_settings(seed=1):
        y, log_det = push(reference_layer(kind, p), p["z"])
        found = call(f"m.{kind}(args[0], args[0].z)", p)
        np.testing.assert_allclose(found["y"], y, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found["logDet"], log_det, rtol=0, atol=1e-9)
        back = call(f"m.{kind}Inverter(args[0])(...args[1])", p, y.tolist())
        np.testing.assert_allclose(back["z"], p["z"], rtol=0, atol=1e-8)
        np.testing.assert_allclose(back["logDet"], log_det, rtol=0, atol=1e-8)


def test_planar_u_hat_is_the_papers(call):
    for p in random_settings(seed=2):
        u, w = np.array(p["u"]), np.array(p["w"])
        expected = u + (np.log1p(np.exp(w @ u)) - 1 - w @ u) * w / (w @ w)
        np.testing.assert_allclose(call("m.planarUHat(args[0])", p), expected, rtol=0, atol=1e-10)


def test_planar_at_w_zero_is_a_shift(call):
    p = {"u": [1.0, -2.0], "w": [0.0, 0.0], "b": 0.7}
    y, log_det = push(reference_layer("planar", p), [0.3, 0.4])
    found = call("m.planar(args[0], [0.3, 0.4])", p)
    np.testing.assert_allclose(found["y"], y, rtol=0, atol=1e-12)
    assert found["logDet"] == pytest.approx(float(log_det), abs=1e-12)


def test_elementwise_layers_agree_with_tensorflow(call):
    xs = [-3.0, -0.4, 0.0, 1e-6, 0.7, 2.5]
    cases = [
        (bijectors.Softlog(), "m.softlog", "m.softlogInverse"),
        (
            bijectors.Softsquare(a=0.3, b=0.8),
            "((x) => m.softsquare({ a: 0.3, b: 0.8 }, x))",
            "((y) => m.softsquareInverse({ a: 0.3, b: 0.8 }, y))",
        ),
    ]
    for layer, forward, inverse in cases:
        y, log_det = push(layer, xs, event_ndims=0)
        found = call(f"args[0].map((x) => {forward}(x))", xs)
        np.testing.assert_allclose([f["y"] for f in found], y, rtol=0, atol=1e-12)
        np.testing.assert_allclose([f["logDet"] for f in found], log_det, rtol=0, atol=1e-12)
        back = call(f"args[0].map((y) => {inverse}(y))", y.tolist())
        np.testing.assert_allclose(back, xs, rtol=0, atol=1e-12)


def test_coupling_agrees_with_tensorflow(call):
    p = {"level": -0.2, "slope": 0.6, "tilt": 0.4, "bend": 0.5}
    bound = 3.0  # the layer bounds the raw log-scale: hand it the one that gives s

    def conditioner(x1):
        s = p["level"] + p["slope"] * tf.tanh(x1)
        t = p["tilt"] * x1 + p["bend"] * (x1**2 - 1.0)
        return tf.concat([bound * tf.atanh(s / bound), t], axis=-1)

    layer = bijectors.AffineCoupling(2, conditioner, log_scale_bound=bound, dtype=tf.float64)
    for x in ([1.0, 0.6], [-2.0, 0.1], [0.0, -3.0]):
        y, log_det = push(layer, x)
        point = tf.constant(x, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(point)
            image = layer.forward(point)
        jacobian = tape.jacobian(image, point).numpy()
        found = call("m.coupling(args[0], args[1])", p, x)
        np.testing.assert_allclose(found["y"], y, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found["logDet"], log_det, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found["jacobian"], jacobian, rtol=0, atol=1e-9)
        back = call("m.couplingInverter(args[0])(...args[1])", p, y.tolist())
        np.testing.assert_allclose(back["z"], x, rtol=0, atol=1e-9)


def test_kl_agrees_with_the_closed_forms(call):
    # One bump (distance 0): both divergences of two Gaussians are known.
    p = {"separation": 0.0, "spread": 0.6, "weight": 0.5}

    def gaussian_kl(m1, s1, m2, s2):
        return np.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5

    for mu, sigma in [(0.0, 0.6), (1.0, 0.3), (-2.0, 1.5)]:
        found = call("m.klDivergences(args[0], args[1])", p, {"mu": mu, "sigma": sigma})
        assert found["forward"] == pytest.approx(gaussian_kl(0, 0.6, mu, sigma), abs=1e-8)
        assert found["reverse"] == pytest.approx(gaussian_kl(mu, sigma, 0, 0.6), abs=1e-8)


def test_forward_descent_ends_at_the_moments_and_reverse_in_a_mode(call):
    p = {"separation": 4.0, "spread": 0.6, "weight": 0.3}
    descend = """(() => {
        let q = { mu: 1.2, sigma: 1 };
        for (let i = 0; i < 1000; i += 1) q = m.klStep(args[0], q, args[1]);
        return q;
    })()"""
    forward = call(descend, p, "forward")
    mean = 0.3 * -2.0 + 0.7 * 2.0
    variance = 0.6**2 + 0.3 * 0.7 * 4.0**2
    assert forward["mu"] == pytest.approx(mean, abs=1e-3)
    assert forward["sigma"] == pytest.approx(np.sqrt(variance), abs=1e-3)
    reverse = call(descend, p, "reverse")
    assert reverse["mu"] == pytest.approx(2.0, abs=0.05)
    assert reverse["sigma"] == pytest.approx(0.6, abs=0.05)


def test_normal_quantile(call):
    known = {0.1: -1.2815515655446004, 0.5: 0.0, 0.975: 1.959963984540054}
    found = call("args[0].map((mass) => m.normalQuantile(mass))", list(known))
    np.testing.assert_allclose(found, list(known.values()), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["planar", "radial"])
def test_the_explorer_shows_what_tensorflow_computes(show, kind):
    state = show(widgets.PlanarRadial(kind=kind))
    for p in random_settings(seed=3, count=5):
        found = state(**p)
        y, log_det = push(reference_layer(kind, p), p["z"])
        np.testing.assert_allclose(found["f"], y, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(found["log_det"], log_det, rtol=0, atol=TOLERANCE)


def test_stretch_conserves_mass_and_divides_by_the_slope(show):
    state = show(widgets.Stretch(scale=0.5, bend=2.0))
    for bend, strip in [(-0.8, 5), (0.0, 2), (3.0, 9)]:
        found = state(bend=bend, strip=strip)
        assert found["baseArea"] == pytest.approx(0.1, abs=1e-6)
        assert found["pushedArea"] == pytest.approx(0.1, abs=1e-5)
        slope = 0.5 * (1 + bend / np.cosh(found["z"]) ** 2)
        assert found["slope"] == pytest.approx(slope, abs=1e-9)
        assert found["pushedDensity"] == pytest.approx(found["baseDensity"] / slope, abs=1e-9)


def test_linear_map_shows_the_determinant(show, page):
    state = show(widgets.LinearMap())
    matrix = [[0.3, -1.2], [2.0, 0.7]]
    found = state(matrix=matrix)
    sign, log_det = np.linalg.slogdet(matrix)
    assert found["log_det"] == pytest.approx(log_det, abs=1e-12)
    assert np.sign(found["det"]) == sign
    state(matrix=[[1.0, 2.0], [0.5, 1.0]])
    assert "no inverse" in page.locator("[data-readout=sense]").inner_text()
    assert page.locator("[data-readout=log-det]").inner_text() == "\N{MINUS SIGN}∞"


@pytest.mark.parametrize(
    "widget",
    [
        widgets.Stretch,
        widgets.LinearMap,
        widgets.ElementwiseExplorer,
        widgets.KLExplorer,
        widgets.PlanarRadial,
        widgets.CouplingExplorer,
    ],
    ids=lambda kind: kind.__name__,
)
def test_sliders_write_the_traits_and_reset_puts_them_back(show, page, widget):
    state = show(widget())
    start = state()
    for slider in page.locator(".nt-widget input[type=range]:visible").all():
        before = state()
        slider.press("ArrowRight")
        assert state() != before, slider.get_attribute("aria-label")
    reset = page.get_by_role(
        "button", name="Reset" if widget is not widgets.LinearMap else "Identity"
    )
    reset.click()
    if widget is widgets.LinearMap:
        assert state()["det"] == 1
    else:
        after = state()
        assert {k: after[k] for k in start} == start


def test_handles_move_by_arrow_keys(show, page):
    state = show(widgets.PlanarRadial(z=[0.5, 0.5]))
    state()
    handle = page.get_by_role("button", name="Point z")
    handle.press("ArrowRight")
    handle.press("ArrowDown")
    assert state()["z"] == [0.55, 0.45]
    assert "(0.55, 0.45)" in handle.get_attribute("aria-label")


def test_kl_explorer_tells_a_local_minimum_from_a_mode(show, page):
    state = show(widgets.KLExplorer(mu=0.0, sigma=1.8, separation=4.0, spread=0.6, weight=0.5))
    state()
    status = page.get_by_role("status")
    ends = "() => document.querySelector('[role=status]').textContent.includes('nats after')"

    def minimise(kind):
        page.get_by_role("button", name=f"Minimise {kind}").click()
        page.wait_for_function(ends, timeout=20_000)
        return status.inner_text()

    # Between the bumps the reverse descent is caught; one bump alone costs almost log 2.
    said = minimise("reverse")
    assert "local minimum only: 1.138 nats" in said
    assert "either bump has 0.692" in said
    assert "is at a minimum: 0.555" in minimise("forward")
    page.get_by_label("mean of q").fill("1.5")
    page.get_by_label("standard deviation of q").fill("0.8")
    assert "is at a minimum: 0.692" in minimise("reverse")
