"""The posterior explorer: a conditional flow in the page against the same one in TensorFlow."""

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
    for name in ("rational_quadratic", "spline_flow", "posterior_flow")
)
BOX = ((-4.0, 4.0), (-3.0, 3.0))


def a_posterior(context_size, dtype=tf.float32, activation="silu"):
    """One whose weights are anything but zero, and whose standardising steps are no identities."""
    posterior = flows.neural_spline(
        2,
        num_layers=3,
        num_bins=6,
        hidden_units=(16, 12),
        context_size=context_size,
        bound=3.0,
        activation=activation,
        dtype=dtype,
    )
    rng = np.random.default_rng(1)
    for variable in posterior.trainable_variables:
        variable.assign(np.float32(0.25 * rng.normal(size=variable.shape)))
    standardise = posterior.template.bijector.bijectors[0].bijectors[0]
    standardise.initialize(np.float32(rng.normal([0.3, -0.2], [1.4, 0.8], size=[500, 2])))
    contexts = np.float32(rng.normal(5.0, 2.0, size=[500, context_size]))
    posterior.standardise_context.initialize(contexts)
    return posterior


def explorer(posterior, **options):
    ranges = [(0.0, 10.0)] * posterior.context_size
    return widgets.PosteriorExplorer(posterior, bounds=BOX, ranges=ranges, **options)


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
@pytest.mark.parametrize("context_size", [1, 2])
def test_the_page_evaluates_the_posterior(page, context_size, activation):
    exact = a_posterior(context_size, tf.float64, activation)
    widget = explorer(a_posterior(context_size, activation=activation))
    page.evaluate(IMPORT, SOURCE)
    x = np.random.default_rng(2).uniform(-2, 2, size=[40, 2])
    for observation in ([3.0, 7.5][:context_size], [9.0, 1.0][:context_size]):
        found = page.evaluate(
            f"""([plan, text, observation, points]) => {{
                const m = window.module;
                const posterior = m.readFlow(plan, ({DECODE})(text));
                const flow = m.flowGiven(posterior, observation);
                return points.map((x) => m.flowInverse(flow, x).logProb);
            }}""",
            [widget.plan, base64.b64encode(widget.weights).decode(), observation, x.tolist()],
        )
        np.testing.assert_allclose(found, exact(observation).log_prob(x), rtol=0, atol=1e-5)


def moments(posterior, observation):
    """Mean and deviation over the box, by a grid of its own."""
    a, b = np.meshgrid(np.linspace(-4, 4, 401), np.linspace(-3, 3, 301))
    points = np.stack([a.ravel(), b.ravel()], axis=1)
    weights = np.exp(posterior(observation).log_prob(points.astype(np.float32)))
    weights /= weights.sum()
    mean = weights @ points
    return mean, np.sqrt(weights @ (points - mean) ** 2)


def test_it_moves_under_the_hand(show, page):
    posterior = a_posterior(2)
    state = show(explorer(posterior, observation=[4.0, 6.0], marks=[(0.5, -0.5)]))
    start = state()
    mean, deviation = moments(posterior, [4.0, 6.0])
    np.testing.assert_allclose(start["mean"], mean, rtol=0, atol=0.02)
    np.testing.assert_allclose(start["deviation"], deviation, rtol=0, atol=0.02)
    slider = page.get_by_label("second observation")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    moved = state()
    assert moved["observation"] == pytest.approx([4.0, 7.0])
    mean, _ = moments(posterior, [4.0, 7.0])
    np.testing.assert_allclose(moved["mean"], mean, rtol=0, atol=0.02)
    assert moved["mean"] != start["mean"]
    page.locator(".nt-ink canvas").hover(position={"x": 100, "y": 100})
    state()
    assert page.locator("[data-readout=hover-density]").inner_text() != "\N{EN DASH}"
    said = "document.querySelector('[role=img]').getAttribute('aria-label')"
    page.wait_for_function(f"{said}.includes('given the observation 4.00, 7.00')")
    page.get_by_role("button", name="Reset").click()
    after = state()
    assert {k: after[k] for k in start} == start
