"""Bijectors that TensorFlow Probability lacks, one a file.

Each is a `tfb.Bijector`: `forward` runs from the base to the data, `log_prob` of a
`tfd.TransformedDistribution` uses `inverse`.
"""

from normflows_tut.bijectors.act_norm import ActNorm, initialize_act_norms
from normflows_tut.bijectors.affine_coupling import AffineCoupling
from normflows_tut.bijectors.bounded_affine import BoundedAffine
from normflows_tut.bijectors.conditional import Conditional, given
from normflows_tut.bijectors.coupling import Coupling
from normflows_tut.bijectors.deep_sigmoid import DeepSigmoid
from normflows_tut.bijectors.dequantization import Dequantization
from normflows_tut.bijectors.invertible_conv import InvertibleConv1x1
from normflows_tut.bijectors.masked_autoregressive import MaskedAutoregressive
from normflows_tut.bijectors.multiscale import Multiscale
from normflows_tut.bijectors.planar import Planar
from normflows_tut.bijectors.radial import Radial
from normflows_tut.bijectors.rational_quadratic_spline import RationalQuadraticSpline
from normflows_tut.bijectors.softlog import Softlog
from normflows_tut.bijectors.softsquare import Softsquare
from normflows_tut.bijectors.squeeze import Squeeze

__all__ = [
    "ActNorm",
    "AffineCoupling",
    "BoundedAffine",
    "Conditional",
    "Coupling",
    "DeepSigmoid",
    "Dequantization",
    "InvertibleConv1x1",
    "MaskedAutoregressive",
    "Multiscale",
    "Planar",
    "Radial",
    "RationalQuadraticSpline",
    "Softlog",
    "Softsquare",
    "Squeeze",
    "given",
    "initialize_act_norms",
]
