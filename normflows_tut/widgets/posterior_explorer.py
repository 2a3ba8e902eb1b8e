"""A posterior that moves with the observation, evaluated in the page from its weights."""

import numpy as np
import tensorflow as tf
import traitlets

from normflows_tut.bijectors import ActNorm, Conditional, Coupling, _chain
from normflows_tut.flows import ConditionalFlow
from normflows_tut.flows.conditional import LOG_SCALE_BOUND
from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import Matrix, Numbers, _items, _pair
from normflows_tut.widgets.flow_explorer import activation_name, limits_of, matrices_of

_OBSERVED = ("observation", "second observation")


class PosteriorExplorer(PageWidget):
    """The density of two parameters given an observation: move it, and the density follows.

    The page holds the weights of a conditional flow and evaluates the flow itself. At one context
    that is an ordinary spline flow: the context is only a part of the biases.

    Args:
      posterior: A flow of `flows.neural_spline(2, ..., context_size=c)` with c = 1 or 2,
        couplings, with relu, tanh or silu networks, without `act_norm` and with nothing appended.
        Its weights are copied.
      bounds: The box to draw, `((x0, x1), (y0, y1))`, in units of the parameters.
      ranges: From where to where each number of the observation can be moved, c pairs.
      observation: The c numbers at the start, within the ranges; their middles by default.
      names: What the two parameters are called, two strings.
      observed: What the c numbers of the observation are called; by default `"observation"` and
        `"second observation"`.
      marks: Points `[x, y]` of the plane to mark, such as what was true.

    Raises:
      ValueError: `posterior` is of another kind or has a weight that is not finite, a box or range
        is empty, a number is not finite or out of its range, or there are not as many numbers and
        names as the context has.

    Example:
      >>> from normflows_tut import flows
      >>> posterior = flows.neural_spline(2, num_layers=2, hidden_units=(8,), context_size=1)
      >>> PosteriorExplorer(posterior, bounds=((-4, 4), (-4, 4)), ranges=[(-2, 2)]).observation
      [0.0]
    """

    _esm = module(
        "rational_quadratic",
        "spline_flow",
        "posterior_flow",
        "kit",
        "draw",
        "density_picture",
        "posterior_explorer",
    )
    weights = traitlets.Bytes().tag(sync=True)
    plan = traitlets.Dict().tag(sync=True)
    bounds = Matrix([[-4.0, 4.0], [-4.0, 4.0]])
    observation = Numbers([0.0], most=2)

    def __init__(
        self,
        posterior,
        *,
        bounds,
        ranges,
        observation=None,
        names=("first parameter", "second parameter"),
        observed=None,
        marks=(),
    ):
        plan, weights = exported(posterior)
        count = posterior.context_size
        ranges = [_pair("each of ranges", pair) for pair in _items("ranges", ranges)]
        if len(ranges) != count or not all(low < high for low, high in ranges):
            raise ValueError(
                f"ranges must hold a pair (low, high) for each of {count} numbers of the "
                f"observation, got {ranges}."
            )
        if observation is None:
            observation = [(low + high) / 2 for low, high in ranges]
        plan |= {
            "ranges": ranges,
            "names": _strings("names", names, 2),
            "observed": _strings(
                "observed", _OBSERVED[:count] if observed is None else observed, count
            ),
            "marks": [_pair("each of marks", mark) for mark in _items("marks", marks)],
        }
        super().__init__(plan=plan, weights=weights, bounds=bounds, observation=observation)

    @traitlets.validate("bounds")
    def _box_has_an_inside(self, proposal):
        if not all(low < high for low, high in proposal["value"]):
            raise ValueError(
                "bounds must be ((x0, x1), (y0, y1)) with x0 below x1 and y0 below y1, "
                f"got {proposal['value']}."
            )
        return proposal["value"]

    @traitlets.validate("observation")
    def _observation_in_range(self, proposal):
        ranges, observation = self.plan["ranges"], proposal["value"]
        if len(observation) != len(ranges):
            raise ValueError(f"observation must hold {len(ranges)} numbers, got {observation}.")
        for number, (low, high) in zip(observation, ranges, strict=True):
            # A slider at its end may be off by a rounding.
            if not abs(number - (low + high) / 2) <= 0.5 * (high - low) * (1 + 1e-6):
                raise ValueError(
                    f"observation must be within its ranges, got {number} outside ({low}, {high})."
                )
        return observation


def _strings(name, value, count):
    """Returns `value` as a list of `count` strings, or raises a ValueError that names it."""
    strings = None if isinstance(value, str) else _items(name, value)
    if (
        strings is None
        or len(strings) != count
        or not all(isinstance(text, str) and text.strip() for text in strings)
    ):
        raise ValueError(f"{name} must hold {count} string{'s' * (count > 1)}, got {value!r}.")
    return strings


def exported(posterior):
    """Returns what the page needs: its plan, as `flow_explorer.exported` has it, and the weights.

    The first layer is the network that makes the mean and the deviations of the base; the inputs
    of the others are one coordinate and then the context.
    """
    known = isinstance(posterior, ConditionalFlow) and posterior.context_size in (1, 2)
    if not known or posterior.event_shape != [2]:
        raise ValueError(
            "a ConditionalFlow over two coordinates with a context of one or two numbers is "
            f"needed, got {posterior!r}."
        )
    base, *stack, standardise = _chain.parts(posterior.template.bijector)[::-1]
    wanted = [(standardise, ActNorm), (base, Conditional), *((layer, Coupling) for layer in stack)]
    others = [layer for layer, kind in wanted if not isinstance(layer, kind)]
    if others or not stack:
        found = (
            f"the layer {others[0].name!r}, {type(others[0]).__name__}" if others else "no layer"
        )
        raise ValueError(
            "couplings of flows.neural_spline are needed, without act_norm and with nothing "
            f"appended, got {posterior.name!r} with {found}."
        )
    context = tf.zeros([1, posterior.context_size], posterior.dtype)
    *_, limits = (limits_of(layer, context) for layer in stack)
    activation_name(base.conditioner)
    networks = [(-1, base.conditioner)]
    networks += [(0 if layer.flip else 1, layer.conditioner) for layer in stack]
    layers, numbers = [], []
    for axis, network in networks:
        matrices = matrices_of(network)
        sizes = [*(len(matrix) - 1 for matrix in matrices), matrices[-1].shape[1]]
        layers.append([{"axis": axis, "sizes": sizes}])
        numbers += [np.ravel(matrix) for matrix in matrices]
    of_context = posterior.standardise_context
    steps = {
        "contextLogScale": of_context.log_scale.numpy().tolist(),
        "contextShift": of_context.shift.numpy().tolist(),
        "logScale": standardise.log_scale.numpy().tolist(),
        "shift": standardise.shift.numpy().tolist(),
    }
    numbers = np.concatenate(numbers).astype("<f4")
    bad = np.sum(~np.isfinite(np.concatenate([numbers, *steps.values()])))
    if bad:
        raise ValueError(
            f"the weights of posterior must be finite, got {posterior.name!r} with {bad} that are "
            "NaN or infinite as float32."
        )
    plan = {"layers": layers, **limits, "baseLogScaleBound": LOG_SCALE_BOUND, **steps}
    return plan, numbers.tobytes()
