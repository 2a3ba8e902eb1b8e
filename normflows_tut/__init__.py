"""Normalizing flows on TensorFlow Probability: the module behind the book.

A layer is a ``tfb.Bijector``, a flow a ``tfd.TransformedDistribution``, and
*forward* always runs from the base distribution to the data. Importing this
package imports nothing else; each room is loaded when it is first named::

    from normflows_tut import flows, targets, training
    moons = targets.make("moons")
    flow = flows.real_nvp(event_size=2)
    training.fit(flow, moons, num_steps=1_000)
"""

import importlib

__version__ = "0.1.0"

__all__ = [
    "bijectors",
    "datasets",
    "evaluation",
    "flows",
    "networks",
    "targets",
    "training",
    "viz",
    "widgets",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
