"""A posterior that moves with the observation, evaluated in the page from its weights."""

import numpy as np
import tensorflow as tf
import traitlets

from normflows_tut.bijectors import ActNorm, Conditional, Coupling, _chain
from normflows_tut.flows import ConditionalFlow
from normflows_tut.flows.conditional import LOG_SCALE_BOUND
from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import Matrix, Numbers
from normflows_tut.widgets.flow_explorer import activation_name, limits_of, matrices_of


class PosteriorExplorer(PageWidget):
    """The density of two parameters given an observation: move it, and the density follows.

    The page holds the weights of a conditional flow and evaluates the flow itself. At one context
    that is an ordinary spline flow: the context is only a part of the biases.

    Args:
      posterior: A flow of `flows.neural_spline(2, ..., context_size=c)` with c = 1 or 2,
        couplings, with relu, tanh or silu networks and without `act_norm`. Its weights are copied.
      bounds: The box to draw, `((x0, x1), (y0, y1))`, in units of the parameters.
      ranges: From where to where each number of the observation can be moved, c pairs.
      observation: The c numbers at the start; the middles of the ranges by default.
      names: What the two parameters are called.
      observed: What the numbers of the observation are called.
      marks: Points of the plane to mark, such as what was true.

    Raises:
      ValueError: `posterior` is of another kind, a box or range is empty, or there are not as
        many numbers as the context has.

    Example:
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
        observed=("observation", "second observation"),
        marks=(),
    ):
        plan, weights = exported(posterior)
        count = posterior.context_size
        ranges = np.asarray(ranges, np.float64)
        if ranges.shape != (count, 2) or not np.all(ranges[:, 0] < ranges[:, 1]):
            raise ValueError(
                f"ranges must hold a pair (low, high) for each of {count} numbers of the "
                f"observation, got {ranges.tolist()}."
            )
        if observation is None:
            observation = ranges.mean(axis=1)
        if len(observation) != count:
            raise ValueError(f"observation must hold {count} numbers, got {list(observation)}.")
        plan |= {
            "ranges": ranges.tolist(),
            "names": list(names),
            "observed": list(observed),
            "marks": np.asarray(marks, np.float64).reshape(-1, 2).tolist(),
        }
        super().__init__(plan=plan, weights=weights, bounds=bounds, observation=observation)

    @traitlets.validate("bounds")
    def _box_has_an_inside(self, proposal):
        if not all(low < high for low, high in proposal["value"]):
            raise ValueError(f"bounds must be ((x0, x1), (y0, y1)), got {proposal['value']}.")
        return proposal["value"]


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
    kinds = [isinstance(base, Conditional), isinstance(standardise, ActNorm)]
    if not (stack and all(kinds) and all(isinstance(layer, Coupling) for layer in stack)):
        raise ValueError(f"couplings of flows.neural_spline are needed, got {posterior!r}.")
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
    plan = {
        "layers": layers,
        **limits,
        "baseLogScaleBound": LOG_SCALE_BOUND,
        "contextLogScale": of_context.log_scale.numpy().tolist(),
        "contextShift": of_context.shift.numpy().tolist(),
        "logScale": standardise.log_scale.numpy().tolist(),
        "shift": standardise.shift.numpy().tolist(),
    }
    return plan, np.concatenate(numbers).astype("<f4").tobytes()
