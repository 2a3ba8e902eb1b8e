"""Flows, composed: each function returns a `tfd.TransformedDistribution`.

The base is a standard normal distribution. Every flow on vectors ends, on the data side, in a
standardising step, which the first `training.fit` sets from the data; see
`bijectors.ActNorm`. Those on images have none. `BijectorLayer` makes a layer of a Keras model of
any of them.
"""

from normflows_tut.flows.autoregressive import (
    inverse_autoregressive,
    masked_autoregressive,
    neural_autoregressive,
)
from normflows_tut.flows.composition import append, layers, prefixes
from normflows_tut.flows.conditional import ConditionalFlow
from normflows_tut.flows.coupling import neural_spline, real_nvp
from normflows_tut.flows.image import glow, multiscale_neural_spline, multiscale_real_nvp
from normflows_tut.flows.keras_layer import BijectorLayer
from normflows_tut.flows.pixels import dequantization, pixel_range
from normflows_tut.flows.simple import conditional_normal, planar, radial
from normflows_tut.flows.storage import export, load, save
from normflows_tut.flows.vae import VAE

__all__ = [
    "VAE",
    "BijectorLayer",
    "ConditionalFlow",
    "append",
    "conditional_normal",
    "dequantization",
    "export",
    "glow",
    "inverse_autoregressive",
    "layers",
    "load",
    "masked_autoregressive",
    "multiscale_neural_spline",
    "multiscale_real_nvp",
    "neural_autoregressive",
    "neural_spline",
    "pixel_range",
    "planar",
    "prefixes",
    "radial",
    "real_nvp",
    "save",
]
