"""How the bijector of a Keras layer is made, and how Keras' files say it."""

import inspect
import json

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from normflows_tut import bijectors
from normflows_tut.flows.autoregressive import (
    inverse_autoregressive,
    masked_autoregressive,
    neural_autoregressive,
)
from normflows_tut.flows.conditional import ConditionalFlow
from normflows_tut.flows.coupling import neural_spline, real_nvp
from normflows_tut.flows.image import glow, multiscale_neural_spline, multiscale_real_nvp
from normflows_tut.flows.pixels import dequantization, pixel_range
from normflows_tut.flows.simple import conditional_normal, planar, radial

tfb = tfp.bijectors
tfd = tfp.distributions

# A list, and not whatever has a public name: a model's file says which of these is called.
_FLOWS = (
    dequantization,
    glow,
    inverse_autoregressive,
    masked_autoregressive,
    multiscale_neural_spline,
    multiscale_real_nvp,
    neural_autoregressive,
    neural_spline,
    pixel_range,
    planar,
    radial,
    real_nvp,
)
MAKERS = {
    **{
        f"bijectors.{name}": getattr(bijectors, name)
        for name in bijectors.__all__
        if isinstance(getattr(bijectors, name), type)
    },
    **{f"flows.{make.__name__}": make for make in _FLOWS},
}
# What Keras does before it asks a layer for its configuration.
LOST = (
    "A file name.keras stays as it was; what stood at an .h5 or a folder that was to be written "
    "is lost."
)


class Recipe:
    """How a bijector is made. Keras looks for weights in lists, and not in here."""

    def __init__(self, make, arguments):
        text = make if isinstance(make, str) else None
        names = [name for name, known in MAKERS.items() if make is known or text == name]
        if not names:
            raise ValueError(
                f"make must be a class of normflows_tut.bijectors, a function of "
                f"normflows_tut.flows that returns a flow, or a tfb.Bijector, got {make!r}"
                f"{_hint(make)}."
            )
        (self.name,) = names
        # Plain at once: what is made here is then what will be made of the saved arguments.
        self.arguments = {key: _plain(value) for key, value in arguments.items()}

    def bijector(self, dtype):
        """Returns the bijector; it has this dtype if it has any."""
        make, arguments = MAKERS[self.name], dict(self.arguments)
        kinds = inspect.signature(make).parameters
        if "dtype" in kinds or any(kind.kind == kind.VAR_KEYWORD for kind in kinds.values()):
            arguments["dtype"] = dtype
        # HDF5 and Keras' optimizers ask for names that no other variable has.
        with tf.variable_creator_scope(_numbered):
            try:
                made = make(**arguments)
            except TypeError as error:  # an argument is missing, unknown or of a wrong kind
                raise ValueError(f"{self.name} cannot be made: {error}.") from error
        if isinstance(made, ConditionalFlow):
            raise ValueError(
                f"A layer has no context to give, got {self.name} with "
                f"context_size={made.context_size}."
            )
        return made if isinstance(made, tfb.Bijector) else made.bijector

    def config(self, layer):
        """Returns the name and the arguments; refuses those that JSON has no word for."""
        for key, value in self.arguments.items():
            try:
                json.dumps(value)
            except TypeError:
                raise ValueError(
                    f"{layer} cannot write down its argument {key}={value!r}: numbers, text and "
                    f"lists of them can be saved. The weights alone can be, by "
                    f"model.save_weights('name.weights.h5'). {LOST}"
                ) from None
        return {"make": self.name, **self.arguments}


def _hint(make):
    """Returns what to give in place of something that cannot be made a layer of."""
    text = make if isinstance(make, str) else ""
    if isinstance(make, ConditionalFlow):
        return ": a layer has no context to give; for one context give flow(context).bijector"
    if isinstance(make, tfd.Distribution):
        return ": give flow.bijector"
    if make is conditional_normal or text == "flows.conditional_normal":
        return ", whose flow needs a context, and a layer has none to give"
    last = text.rpartition(".")[2].lower()
    alike = [name for name in MAKERS if name.lower().endswith(f".{last}")]
    return f"; there is {' and '.join(map(repr, alike))}" if alike else ""


def _plain(value):
    """Returns `value` as JSON holds it, where JSON has a word for it."""
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, tf.Tensor) and hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _numbered(next_creator, **options):
    """Makes a variable whose name ends in a count, as those of Keras' layers do."""
    name = options.get("name") or "Variable"
    return next_creator(**{**options, "name": f"{name}_{tf_keras.backend.get_uid(name)}"})
