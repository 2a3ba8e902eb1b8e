"""The Python side of the widgets: parameters, refusals, and the scripts they carry."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow_probability as tfp
from ipywidgets.embed import embed_data

from normflows_tut import bijectors, flows, widgets

PNG = b"\x89PNG\r\n\x1a\n"
EXPLORERS = {
    "Stretch": {"scale", "shift", "bend", "base", "strip"},
    "LinearMap": {"matrix"},
    "ElementwiseExplorer": {"kind", "a", "b", "x"},
    "KLExplorer": {"mu", "sigma", "separation", "spread", "weight"},
    "PlanarRadial": {"kind", "u", "w", "b", "center", "alpha", "beta", "z"},
    "CouplingExplorer": {"level", "slope", "tilt", "bend", "x"},
    "MaskExplorer": {"order", "hidden_units", "output", "arrange"},
    "SplineExplorer": {"pieces", "knots", "slopes", "bound", "x"},
}
FOLDER = Path(widgets.__file__).parent


def own_traits(kind):
    """Returns the parameters of a widget class that the page shares."""
    return {name for name in kind.class_own_traits(sync=True) if not name.startswith("_")}


def test_every_public_widget_is_tested():
    assert {*EXPLORERS, "FlowExplorer", "LayerScrubber", "PosteriorExplorer"} == set(
        widgets.__all__
    )


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_parameters_are_traits_that_the_page_shares(name):
    kind = getattr(widgets, name)
    assert own_traits(kind) == EXPLORERS[name]
    widget = kind()
    state = widget.get_state()
    assert EXPLORERS[name] <= set(state)
    assert "export default" in state["_esm"]
    assert ".nt-widget" in state["_css"]


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_script_draws_the_parameters_that_python_has(name):
    kind = getattr(widgets, name)
    listed = re.search(r"traits = \[(.*?)\]|traits: \[(.*?)\]", kind._esm)
    names = set(re.findall(r'"(\w+)"', listed.group(1) or listed.group(2)))
    assert names == own_traits(kind)


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_widget_is_small_in_the_page(name):
    widget = getattr(widgets, name)()
    state = embed_data(views=[widget], drop_defaults=False)["manager_state"]["state"]
    assert len(str(state[widget.model_id])) < 45_000


def test_the_scripts_fetch_nothing():
    for path in [*FOLDER.glob("*.js"), *FOLDER.glob("*.css")]:
        assert not re.search(r"https?:|\bimport\b.*\bfrom\b|@import|url\(", path.read_text()), path


def test_parameters_are_set_and_read_back():
    widget = widgets.PlanarRadial(u=(1, 2), kind="radial")
    assert widget.u == [1.0, 2.0]
    widget.w = [0.5, -1]
    assert widget.w == [0.5, -1.0]
    assert widgets.LinearMap(matrix=((2, 0), (0, 1))).matrix == [[2.0, 0.0], [0.0, 1.0]]
    assert widgets.Stretch(strip=3).strip == 3


def test_two_widgets_share_no_list():
    one, other = widgets.PlanarRadial(), widgets.PlanarRadial()
    one.u[0] = 99.0
    assert other.u[0] != 99.0


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("Stretch", {"scale": 0}, "scale must be above 0, got 0"),
        ("Stretch", {"bend": -1}, "bend must be above -1, got -1"),
        ("Stretch", {"shift": float("nan")}, "shift must be finite, got nan"),
        ("Stretch", {"base": "cauchy"}, "base must be one of 'normal', 'uniform', got 'cauchy'"),
        ("Stretch", {"strip": 11}, "strip must be 1..10, got 11"),
        ("Stretch", {"strip": 2.5}, "strip must be a whole number, got 2.5"),
        ("Stretch", {"scael": 1}, "Stretch has no parameter 'scael'; it has base, bend"),
        ("LinearMap", {"matrix": [[1, 2, 3], [4, 5, 6]]}, "must hold two numbers, got [1, 2, 3]"),
        ("LinearMap", {"matrix": [[1, 2]]}, "matrix must have two rows, got [[1, 2]]"),
        ("LinearMap", {"matrix": [[1, 2], [3, float("inf")]]}, "must be finite, got inf"),
        ("ElementwiseExplorer", {"a": -0.5}, "a must be above 0, got -0.5"),
        ("ElementwiseExplorer", {"b": -1}, "b must be at least 0, got -1"),
        ("ElementwiseExplorer", {"x": "one"}, "x must be a number, got 'one'"),
        ("KLExplorer", {"sigma": 0}, "sigma must be above 0, got 0"),
        ("KLExplorer", {"weight": 1}, "weight must be below 1, got 1"),
        ("PlanarRadial", {"u": [1, 2, 3]}, "u must hold two numbers, got [1, 2, 3]"),
        ("PlanarRadial", {"w": 3}, "w must be a list, got 3"),
        ("PlanarRadial", {"z": [0, float("nan")]}, "z must be finite, got nan"),
        ("PlanarRadial", {"alpha": 0}, "alpha must be above 0, got 0"),
        ("PlanarRadial", {"kind": "sylvester"}, "kind must be one of 'planar', 'radial'"),
        ("CouplingExplorer", {"level": None}, "level must be a number, got None"),
        (
            "SplineExplorer",
            {"knots": [[0, 1], [1, 0]]},
            "must ascend in both coordinates",
        ),
        ("SplineExplorer", {"knots": []}, "knots must hold at least one knot, got none"),
        ("SplineExplorer", {"knots": [[0, 3]], "slopes": [1]}, "must lie within the bound, 3.0"),
        ("SplineExplorer", {"slopes": [1, 0, 1]}, "slopes must be above 0, got [1, 0, 1]"),
        ("SplineExplorer", {"slopes": [1, 2]}, "3 knots need 3 slopes, got 2"),
        ("SplineExplorer", {"bound": 0}, "bound must be above 0, got 0"),
        ("MaskExplorer", {"order": [0, 2]}, "order must be a permutation of 0, 1, 2 ..., got"),
        ("MaskExplorer", {"order": [0]}, "order must have 2..8 entries, got 1"),
        ("MaskExplorer", {"order": 4}, "order must be a list, got 4"),
        ("MaskExplorer", {"hidden_units": []}, "hidden_units must hold 1..3 numbers, got []"),
        ("MaskExplorer", {"hidden_units": [13]}, "whole numbers, 1..12, got [13]"),
        ("MaskExplorer", {"hidden_units": [2.5]}, "whole numbers, 1..12, got [2.5]"),
        ("MaskExplorer", {"output": 4}, "output must be below the number of inputs, 4, got 4"),
    ],
)
def test_a_bad_parameter_is_named(name, parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(widgets, name)(**parameters)


def test_a_bad_value_set_later_is_refused_and_the_old_one_stays():
    widget = widgets.PlanarRadial(b=0.5)
    with pytest.raises(ValueError, match="b must be finite, got inf"):
        widget.b = float("inf")
    assert widget.b == 0.5


def test_scrubber_keeps_frames_and_numbers_them():
    scrubber = widgets.LayerScrubber([PNG + b"a", PNG + b"b"], alt="Moons")
    assert scrubber.frames == [PNG + b"a", PNG + b"b"]
    assert scrubber.labels == ["0", "1"]
    scrubber.index = 1
    with pytest.raises(ValueError, match="index must be below the number of frames, 2, got 2"):
        scrubber.index = 2


def test_scrubber_frames_travel_as_bytes():
    scrubber = widgets.LayerScrubber([PNG] * 2)
    state = embed_data(views=[scrubber], drop_defaults=False)["manager_state"]["state"]
    model = state[scrubber.model_id]
    assert [buffer["path"] for buffer in model["buffers"]] == [["frames", 0], ["frames", 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": []}, "frames must hold at least one picture, got none"),
        ({"frames": [PNG, b"<svg>"]}, "frame 1 (counted from 0) is no PNG"),
        ({"frames": ([PNG, PNG], ["a", "b"])}, "frame 0 (counted from 0) is no PNG"),
        ({"frames": PNG}, "frame 0 (counted from 0) is no PNG, WebP, GIF or JPEG as bytes"),
        ({"frames": ["layer.png"]}, "it starts with 'layer.png'"),
        ({"frames": [PNG, PNG], "labels": ["a"]}, "2 frames need 2 labels, got 1"),
        ({"frames": [PNG], "alt": " "}, "alt must say what the pictures show"),
        ({"frames": [PNG], "index": 1}, "index must be below the number of frames, 1, got 1"),
        ({"frames": [PNG], "interval": 10}, "interval must be at least 50, got 10"),
    ],
)
def test_scrubber_refuses(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        widgets.LayerScrubber(**arguments)


BOX = ((-4, 4), (-3, 3))


def test_flow_explorer_carries_weights_as_bytes_and_is_small():
    flow = flows.neural_spline(2, num_layers=2, num_bins=4, hidden_units=(5,))
    widget = widgets.FlowExplorer(flow, bounds=BOX)
    assert widget.depth == 2
    count = sum(int(np.prod(v.shape)) for v in flow.trainable_variables)
    assert len(widget.weights) == 4 * (count - 4)  # those of the base are in the plan
    state = embed_data(views=[widget], drop_defaults=False)["manager_state"]["state"]
    model = state[widget.model_id]
    assert [buffer["path"] for buffer in model["buffers"]] == [["weights"]]
    assert len(str(model["state"])) < 45_000
    assert own_traits(widgets.FlowExplorer) == {"plan", "weights", "bounds", "z", "depth"}


def one_bijector(bijector):
    """A flow that no function of this module has made."""
    base = tfp.distributions.MultivariateNormalDiag(loc=[0.0, 0.0])
    return tfp.distributions.TransformedDistribution(base, bijector) if bijector else base


@pytest.mark.parametrize(
    ("flow", "more", "message"),
    [
        (lambda: flows.real_nvp(2, num_layers=2), {}, "the layers must be"),
        (lambda: flows.planar(2, num_layers=1), {}, "the layers must be"),
        (lambda: one_bijector(tfp.bijectors.Exp()), {}, "a flow of flows.neural_spline is needed"),
        (lambda: one_bijector(bijectors.ActNorm(2)), {}, "flows.neural_spline is needed"),
        (lambda: one_bijector(None), {}, "a flow of flows.neural_spline is needed"),
        (lambda: flows.masked_autoregressive(2), {}, "must be splines from data to base, got"),
        (lambda: flows.neural_spline(3), {}, "a flow over two coordinates is needed"),
        (lambda: flows.neural_spline(2, act_norm=True), {}, "flows.neural_spline"),
        (lambda: flows.neural_spline(2, activation="elu"), {}, "must be one of relu, tanh, silu"),
        (lambda: flows.neural_spline(2), {"depth": 5}, "at most the number of layers, 4, got 5"),
        (lambda: flows.neural_spline(2), {"bounds": ((1, 0), (0, 1))}, "bounds must be ((x0, x1)"),
        (lambda: None, {}, "a flow over two coordinates is needed, got None"),
    ],
)
def test_flow_explorer_refuses(flow, more, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        widgets.FlowExplorer(flow(), **{"bounds": BOX, **more})


def a_posterior(**options):
    return flows.neural_spline(
        2, **{"num_layers": 2, "hidden_units": (5,), "context_size": 1, **options}
    )


def lost_posterior():
    posterior = a_posterior()
    posterior.template.bijector.bijectors[0].trainable_variables[0].assign(5 * [np.nan])
    return posterior


def test_posterior_explorer_observation_stays_within_its_ranges():
    widget = widgets.PosteriorExplorer(a_posterior(), bounds=BOX, ranges=[(0.1, 0.7)])
    assert widget.plan["observed"] == ["observation"]
    for bad, message in {
        (1.0, 2.0): "must hold 1 numbers",
        (0.8,): r"got 0.8 outside \(0.1",
    }.items():
        with pytest.raises(ValueError, match=message):
            widget.observation = list(bad)
    assert widget.observation == [pytest.approx(0.4)]
    for end in (0.1, 0.7, 0.1 + 3 * 0.2):
        widget.observation = [end]
        assert widget.observation == [end]


def test_posterior_explorer_carries_weights_as_bytes_and_is_small():
    posterior = a_posterior(context_size=2)
    ranges = [(-1, 3), (0, 1)]
    widget = widgets.PosteriorExplorer(posterior, bounds=BOX, ranges=ranges, marks=[(1, 2)])
    assert widget.observation == [1.0, 0.5]
    count = sum(int(np.prod(v.shape)) for v in posterior.trainable_variables)
    assert len(widget.weights) == 4 * count
    state = embed_data(views=[widget], drop_defaults=False)["manager_state"]["state"]
    assert len(str(state[widget.model_id]["state"])) < 45_000
    assert own_traits(widgets.PosteriorExplorer) == {"plan", "weights", "bounds", "observation"}


@pytest.mark.parametrize(
    ("posterior", "more", "message"),
    [
        (lambda: flows.neural_spline(2), {}, "a ConditionalFlow over two coordinates"),
        (lambda: a_posterior(context_size=3), {}, "a context of one or two numbers"),
        (lambda: flows.neural_spline(3, context_size=1), {}, "over two coordinates"),
        (lambda: flows.real_nvp(2, context_size=1), {}, "must be splines from data to base"),
        (
            lambda: flows.planar(2, context_size=1),
            {},
            "got 'planar_flow' with the layer 'planar_0'",
        ),
        (lambda: flows.conditional_normal(2, 1), {}, "couplings of flows.neural_spline"),
        (lambda: a_posterior(autoregressive=True), {}, "_0', MaskedAutoregressive"),
        (lambda: a_posterior(act_norm=True), {}, "_act_norm', ActNorm"),
        (lambda: flows.append(a_posterior(), bijectors.Softlog()), {}, "layer 'softlog', Softlog"),
        (
            lost_posterior,
            {},
            "weights of posterior must be finite, got 'neural_spline' with 5 that",
        ),
        (lambda: a_posterior(activation="elu"), {}, "must be one of relu, tanh, silu"),
        (a_posterior, {"ranges": [(2, 1)]}, "ranges must hold a pair (low, high) for each of 1"),
        (a_posterior, {"ranges": [(1, 2), (1, 2)]}, "for each of 1 numbers"),
        (a_posterior, {"ranges": None}, "ranges must be a list, got None"),
        (a_posterior, {"ranges": "ab"}, "each of ranges must hold two numbers, got 'a'"),
        (a_posterior, {"ranges": [(1, 2), (1,)]}, "each of ranges must hold two numbers, got (1,)"),
        (a_posterior, {"ranges": [(0, float("inf"))]}, "each of ranges must be finite, got inf"),
        (
            a_posterior,
            {"observation": [0.5, 0.6]},
            "observation must hold 1 numbers, got [0.5, 0.6]",
        ),
        (a_posterior, {"observation": []}, "observation must hold 1..2 numbers, got []"),
        (a_posterior, {"observation": 0.5}, "observation must be a list, got 0.5"),
        (a_posterior, {"observation": [2]}, "within its ranges, got 2.0 outside (-1.0, 1.0)"),
        (a_posterior, {"names": "ab"}, "names must hold 2 strings, got 'ab'"),
        (a_posterior, {"names": None}, "names must be a list, got None"),
        (a_posterior, {"names": ["a"]}, "names must hold 2 strings, got ['a']"),
        (a_posterior, {"names": [1, 2]}, "names must hold 2 strings, got [1, 2]"),
        (a_posterior, {"observed": "mass"}, "observed must hold 1 string, got 'mass'"),
        (a_posterior, {"observed": []}, "observed must hold 1 string, got []"),
        (a_posterior, {"observed": ["mass", "time"]}, "observed must hold 1 string, got ['mass'"),
        (a_posterior, {"marks": [1, 2]}, "each of marks must be a list, got 1"),
        (a_posterior, {"marks": [(1, 2, 3)]}, "each of marks must hold two numbers, got (1, 2, 3)"),
        (a_posterior, {"marks": [(0, float("nan"))]}, "each of marks must be finite, got nan"),
        (a_posterior, {"marks": "x"}, "each of marks must hold two numbers, got 'x'"),
        (a_posterior, {"marks": None}, "marks must be a list, got None"),
        (
            a_posterior,
            {"bounds": ((1, 0), (0, 1))},
            "bounds must be ((x0, x1), (y0, y1)) with x0 bel",
        ),
    ],
)
def test_posterior_explorer_refuses(posterior, more, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        widgets.PosteriorExplorer(posterior(), **{"bounds": BOX, "ranges": [(-1, 1)], **more})
