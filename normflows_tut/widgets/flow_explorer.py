"""A trained spline flow, evaluated in the page from its weights."""

import numpy as np
import tensorflow as tf
import traitlets

from normflows_tut.bijectors import (
    ActNorm,
    Coupling,
    MaskedAutoregressive,
    RationalQuadraticSpline,
    _chain,
)
from normflows_tut.bijectors._vector import is_inverted
from normflows_tut.networks import activation_function
from normflows_tut.widgets._page import PageWidget, module
from normflows_tut.widgets._traits import Matrix, Number, Point

_ACTIVATIONS = ("relu", "tanh", "silu")  # those that flow_explorer.js knows


class FlowExplorer(PageWidget):
    """A neural spline flow in the plane: scrub through its layers, drag a point, read densities.

    The page holds the flow's weights and evaluates the flow itself. Between two layers it
    shows a spline flow too: one whose splines have gone part of the way from the identity.

    Args:
      flow: A flow of `flows.neural_spline` over two coordinates, couplings or autoregressive,
        with relu, tanh or silu networks and without `act_norm`. Its weights are copied.
      bounds: The box to draw, `((x0, x1), (y0, y1))`, in units of the data.
      z: The point in the base whose way is drawn.
      depth: How many layers have acted, a number from 0 to `num_layers`; all by default.

    Raises:
      ValueError: `flow` is of another kind, the box is empty, or a parameter is not finite.

    Example:
      >>> from normflows_tut import flows
      >>> flow = flows.neural_spline(2, num_layers=2, hidden_units=(8,))
      >>> FlowExplorer(flow, bounds=((-4, 4), (-4, 4))).depth
      2.0
    """

    _esm = module(
        "rational_quadratic", "spline_flow", "kit", "draw", "density_picture", "flow_explorer"
    )
    weights = traitlets.Bytes().tag(sync=True)
    plan = traitlets.Dict().tag(sync=True)
    bounds = Matrix([[-4.0, 4.0], [-4.0, 4.0]])
    z = Point([0.8, 0.6])
    depth = Number(0.0, at_least=0)

    def __init__(self, flow, *, bounds, z=(0.8, 0.6), depth=None):
        plan, weights = exported(flow)
        count = len(plan["layers"])
        if depth is not None and depth > count:
            raise ValueError(f"depth must be at most the number of layers, {count}, got {depth}.")
        super().__init__(
            plan=plan,
            weights=weights,
            bounds=bounds,
            z=z,
            depth=count if depth is None else depth,
        )

    @traitlets.validate("bounds")
    def _box_has_an_inside(self, proposal):
        if not all(low < high for low, high in proposal["value"]):
            raise ValueError(f"bounds must be ((x0, x1), (y0, y1)), got {proposal['value']}.")
        return proposal["value"]


def exported(flow):
    """Returns what the page needs of a flow: its plan, a dict, and its weights, as float32 bytes.

    A layer is a list of steps. A step changes one coordinate, `axis`, by a spline whose
    parameters come from a network of the other coordinate, with layers of these `sizes`; no
    inputs, a size of 0, says that they are constants. The weights of all matrices follow one
    another, row by row; the last row of each is the bias.
    """
    if getattr(flow, "event_shape", None) != [2]:
        raise ValueError(f"a flow over two coordinates is needed, got {flow!r}.")
    parts = _chain.parts(flow.bijector)[::-1] if hasattr(flow, "bijector") else []
    base = parts.pop(0) if parts and isinstance(parts[0], ActNorm) else None
    if len(parts) < 2 or not isinstance(parts[-1], ActNorm):
        raise ValueError(f"a flow of flows.neural_spline is needed, got {flow!r}.")
    *stack, standardise = parts
    layers, numbers = [], []
    for layer in stack:
        limits = limits_of(layer)
        steps = _coupling_steps(layer) if isinstance(layer, Coupling) else _both_steps(layer)
        sizes = [[*(len(m) - 1 for m in parts), parts[-1].shape[1]] for _, parts in steps]
        axes = [int(axis) for axis, _ in steps]
        layers.append([{"axis": a, "sizes": s} for a, s in zip(axes, sizes, strict=True)])
        numbers += [np.ravel(matrix) for _, parts in steps for matrix in parts]
    plan = {
        "layers": layers,
        **limits,
        "baseLogScale": base.log_scale.numpy().tolist() if base else [0.0, 0.0],
        "baseShift": base.shift.numpy().tolist() if base else [0.0, 0.0],
        "logScale": standardise.log_scale.numpy().tolist(),
        "shift": standardise.shift.numpy().tolist(),
    }
    return plan, np.concatenate(numbers).astype("<f4").tobytes()


def limits_of(layer, *context):
    """Returns the activation and the limits of the splines of `layer`, or raises a ValueError."""
    if not isinstance(layer, Coupling | MaskedAutoregressive):
        raise ValueError(f"the layers must be of flows.neural_spline, got {layer!r}.")
    width = 1 if isinstance(layer, Coupling) else 2
    spline = layer.transform(tf.zeros([1, width], layer.dtype), *context)
    if not (is_inverted(spline) and isinstance(spline.bijector, RationalQuadraticSpline)):
        raise ValueError(f"the layers must be splines from data to base, got {spline!r}.")
    given = spline.bijector.parameters
    return {
        "activation": activation_name(layer.conditioner),
        "bound": given["bound"],
        "minBinSize": given["min_bin_size"],
        "minSlope": given["min_slope"],
    }


def activation_name(network):
    """Returns the name of a network's activation, if the page knows it."""
    known = [name for name in _ACTIVATIONS if activation_function(name) is network.activation]
    if not known:
        raise ValueError(f"the activation must be one of {', '.join(_ACTIVATIONS)}.")
    return known[0]


def _with_bias(kernel, bias):
    return np.concatenate([kernel, bias[np.newaxis]])


def matrices_of(network):
    """Returns the matrices of an MLP, the bias of each as its last row."""
    return [_with_bias(each.weights.numpy(), each.bias.numpy()) for each in network.dense]


def _coupling_steps(layer):
    return [(0 if layer.flip else 1, matrices_of(layer.conditioner))]


def _both_steps(layer):
    """An autoregressive layer: constants for its first coordinate, a network for the second."""
    made = layer.conditioner
    first, second = np.argsort(made.degrees.numpy())
    kernels = [
        dense.weights.numpy() * mask.numpy()
        for dense, mask in zip(made.dense, made.masks(), strict=True)
    ]
    biases = [dense.bias.numpy() for dense in made.dense]
    kernels[0] = kernels[0][first : first + 1]  # the second coordinate is masked out
    rows = len(kernels[-1])
    kernels[-1] = kernels[-1].reshape([rows, -1, 2])[..., second]
    constants, biases[-1] = (biases[-1].reshape([-1, 2])[:, axis] for axis in (first, second))
    matrices = [_with_bias(*each) for each in zip(kernels, biases, strict=True)]
    return [(first, [constants[np.newaxis]]), (second, matrices)]
