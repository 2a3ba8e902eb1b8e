"""The flow explorer: a trained flow in the page against the same flow in TensorFlow."""

import base64
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import DECODE, IMPORT

from normflows_tut import flows, widgets

FOLDER = Path(widgets.__file__).parent
SOURCE = "\n".join(
    (FOLDER / f"{name}.js").read_text(encoding="utf-8")
    for name in ("rational_quadratic", "spline_flow")
)
BOX = ((-4.0, 4.0), (-3.0, 3.0))


def a_flow(autoregressive=False, dtype=tf.float32, activation="silu", trained_base=True):
    """A flow whose weights are anything but zero, and whose standardising step is no identity."""
    flow = flows.neural_spline(
        2,
        num_layers=3,
        num_bins=6,
        hidden_units=(16, 12),
        autoregressive=autoregressive,
        trained_base=trained_base,
        bound=3.0,
        activation=activation,
        dtype=dtype,
    )
    rng = np.random.default_rng(1)
    for variable in flow.trainable_variables:
        variable.assign(np.float32(0.25 * rng.normal(size=variable.shape)))
    standardise = flow.bijector.bijectors[0].bijectors[0]
    standardise.initialize(np.float32(rng.normal([0.3, -0.2], [1.4, 0.8], size=[500, 2])))
    return flow


@pytest.fixture
def evaluate(page):
    """A function that evaluates an expression of `m`, of a widget's flow and of `args`."""

    def run(widget, code, *args):
        page.evaluate(IMPORT, SOURCE)
        weights = base64.b64encode(widget.weights).decode()
        return page.evaluate(
            f"""([plan, text, args]) => {{
                const m = window.module;
                const flow = m.readFlow(plan, ({DECODE})(text));
                return {code};
            }}""",
            [widget.plan, weights, list(args)],
        )

    return run


@pytest.mark.parametrize("autoregressive", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu"},
        {"activation": "tanh"},
        {"activation": "silu"},
        {"trained_base": False},
    ],
)
def test_the_page_evaluates_the_flow(evaluate, autoregressive, options):
    exact = a_flow(autoregressive, tf.float64, **options)
    widget = widgets.FlowExplorer(a_flow(autoregressive, **options), bounds=BOX)
    z = np.random.default_rng(2).normal(size=[40, 2])
    x = exact.bijector.forward(z)
    found = evaluate(widget, "args[0].map((z) => m.flowForward(flow, z))", z.tolist())
    # In both the weights are float32; the page computes in float64, as `exact` does.
    np.testing.assert_allclose([f["x"] for f in found], x, rtol=0, atol=1e-6)
    log_prob = exact.log_prob(tf.identity(x))
    np.testing.assert_allclose([f["logProb"] for f in found], log_prob, rtol=0, atol=1e-5)
    back = evaluate(widget, "args[0].map((x) => m.flowInverse(flow, x))", x.numpy().tolist())
    np.testing.assert_allclose([b["z"] for b in back], z, rtol=0, atol=1e-5)
    np.testing.assert_allclose([b["logProb"] for b in back], log_prob, rtol=0, atol=1e-5)


@pytest.mark.parametrize("autoregressive", [False, True])
def test_it_agrees_with_the_flow_in_float32(evaluate, autoregressive):
    flow = a_flow(autoregressive)
    widget = widgets.FlowExplorer(flow, bounds=BOX)
    x = np.random.default_rng(3).uniform(-2, 2, size=[60, 2]).astype(np.float32)
    found = evaluate(widget, "args[0].map((x) => m.flowInverse(flow, x).logProb)", x.tolist())
    np.testing.assert_allclose(found, flow.log_prob(x), atol=1e-4, rtol=0)


@pytest.mark.parametrize("autoregressive", [False, True])
def test_every_layer_and_every_part_of_one_is_a_flow(evaluate, autoregressive):
    flow = a_flow(autoregressive, tf.float64)
    widget = widgets.FlowExplorer(flow, bounds=BOX)
    z = np.random.default_rng(4).normal(size=[10, 2])
    for k, prefix in enumerate(flows.prefixes(flow)):
        found = evaluate(
            widget, "args[0].map((z) => m.flowForward(flow, z, args[1]))", z.tolist(), k
        )
        x = prefix.bijector.forward(z)
        np.testing.assert_allclose([f["x"] for f in found], x, rtol=0, atol=1e-6)
        log_prob = prefix.log_prob(tf.identity(x))
        np.testing.assert_allclose([f["logProb"] for f in found], log_prob, rtol=0, atol=1e-5)
    # Between two layers the density still integrates to one, and the inverse is the inverse.
    mass = evaluate(
        widget,
        """(() => {
            let sum = 0;
            const n = 240;
            for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) {
                const x = [-8 + (16 * (i + 0.5)) / n, -8 + (16 * (j + 0.5)) / n];
                sum += Math.exp(m.flowInverse(flow, x, 1.4).logProb);
            }
            return sum * (16 / n) ** 2;
        })()""",
    )
    assert mass == pytest.approx(1, abs=2e-3)
    there = "m.flowInverse(flow, m.flowForward(flow, z, 2.7).x, 2.7).z"
    back = evaluate(widget, f"args[0].map((z) => {there})", z.tolist())
    np.testing.assert_allclose(back, z, rtol=0, atol=1e-6)


def test_the_picture_is_drawn_from_a_table_that_is_close(evaluate):
    widget = widgets.FlowExplorer(a_flow(activation="relu"), bounds=BOX)
    x = np.random.default_rng(5).uniform(-3, 3, size=[200, 2]).tolist()
    exact = evaluate(widget, "args[0].map((x) => m.flowInverse(flow, x).logProb)", x)
    code = "args[0].map((x) => m.flowInverse(flow, x, 3, m.tabledBin).logProb)"
    np.testing.assert_allclose(np.exp(evaluate(widget, code, x)), np.exp(exact), rtol=0, atol=0.01)


def test_it_moves_under_the_hand(show, page):
    flow = a_flow()
    state = show(widgets.FlowExplorer(flow, bounds=BOX, z=[0.5, -0.4], depth=2))
    start = state()
    x = flow.bijector.forward(tf.constant([[0.5, -0.4]]))
    np.testing.assert_allclose(start["x"], x[0], rtol=0, atol=1e-4)
    assert start["log_prob"] == pytest.approx(float(flow.log_prob(tf.identity(x))[0]), abs=1e-4)
    np.testing.assert_allclose(start["at"], start["path"][2], rtol=0, atol=1e-9)
    handle = page.get_by_role("button", name="Point at")
    handle.press("ArrowRight")
    moved = state()
    assert moved["at"][0] == pytest.approx(start["at"][0] + 0.05, abs=0.006)
    assert moved["at"][1] == pytest.approx(start["at"][1], abs=0.006)
    slider = page.get_by_label("layers that have acted")
    slider.focus()
    slider.press("ArrowLeft")
    assert state()["depth"] == pytest.approx(1.99)
    page.locator(".nt-ink canvas").hover(position={"x": 100, "y": 100})
    state()
    assert page.locator("[data-readout=hover-density]").inner_text() != "\N{EN DASH}"
    page.get_by_role("button", name="Reset").click()
    after = state()
    assert {k: after[k] for k in start} == start


def test_it_plays(show, page):
    state = show(widgets.FlowExplorer(a_flow(), bounds=BOX, depth=0))
    assert state()["depth"] == 0
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("JSON.parse(el.firstElementChild.dataset.state).depth > 0.2")
    page.get_by_role("button", name="Pause").click()
    depth = state()["depth"]
    page.wait_for_timeout(200)
    assert state()["depth"] == depth
