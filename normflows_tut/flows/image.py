"""Flows on images: couplings on several scales."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int, positive_ints, seed_number
from normflows_tut.bijectors import (
    ActNorm,
    AffineCoupling,
    Coupling,
    InvertibleConv1x1,
    Multiscale,
    Squeeze,
)
from normflows_tut.flows.composition import with_act_norm
from normflows_tut.flows.transforms import spline
from normflows_tut.networks import ConvNet

tfb = tfp.bijectors
tfd = tfp.distributions

_SMALLEST = 4  # a side, in the deepest level


def multiscale_real_nvp(
    image_shape,
    num_levels=None,
    num_couplings=4,
    hidden_channels=32,
    num_blocks=2,
    *,
    activation="relu",
    act_norm=True,
    log_scale_bound=3.0,
    seed=0,
    dtype=tf.float32,
):
    """RealNVP on images: couplings by checkerboard and by channel on several scales.

    Each level, from the data: a `Squeeze`; `num_couplings` couplings of the two colours of the
    checkerboard that it was before; as many of the upper and lower rows of every block. After
    each level but the last, half of the channels are finished (`Multiscale`).

    The flow is on real values. For pixels, put `pixel_range()` on its data side:
    `tfd.TransformedDistribution(flow, pixel_range())`.

    Args:
      image_shape: (height, width, channels).
      num_levels: Number of levels; None takes as many as leave sides of at least 4 that are whole
        numbers: 2 for 28 x 28, 3 for 32 x 32.
      num_couplings: Couplings of either kind in each level, at least 1; or as many numbers as
        levels, beginning with the one beside the data. A deep level has few pixels, so that
        couplings are cheap there.
      hidden_channels: Channels inside the networks; or a number for each level.
      num_blocks: Residual blocks of each network.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every coupling on its data side.
      log_scale_bound: The largest log-scale of a coupling.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events `[height, width, channels]`.

    Raises:
      ValueError: A size does not fit; the message says what would.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation Using Real NVP, sections 3.4 to 3.7.
    """
    layer = functools.partial(AffineCoupling, log_scale_bound=log_scale_bound)
    network = {"num_blocks": num_blocks, "activation": activation}
    return _multiscale(
        "multiscale_real_nvp",
        functools.partial(_two_kinds, act_norm=act_norm),
        _coupling_maker(layer, 2, dtype, **network),
        image_shape,
        num_levels,
        num_couplings=num_couplings,
        hidden_channels=hidden_channels,
        seed=seed,
        dtype=dtype,
    )


def multiscale_neural_spline(
    image_shape,
    num_levels=None,
    num_couplings=2,
    num_bins=4,
    hidden_channels=32,
    num_blocks=2,
    *,
    bound=5.0,
    min_bin_size=1e-3,
    min_slope=1e-3,
    activation="relu",
    act_norm=True,
    seed=0,
    dtype=tf.float32,
):
    """A neural spline flow on images: `multiscale_real_nvp` with splines for affine maps.

    The numbers of an image have several likely values each: ink or paper. A spline can tell
    them apart, where an affine map needs many layers.

    Args:
      image_shape: (height, width, channels).
      num_levels: Number of levels; None as in `multiscale_real_nvp`.
      num_couplings: Couplings of either kind in each level, or a number for each level.
      num_bins: Number of bins of every spline, at least 1.
      hidden_channels: Channels inside the networks, or a number for each level.
      num_blocks: Residual blocks of each network.
      bound: The splines act on [-bound, bound].
      min_bin_size: The smallest width and height of a bin, as a fraction of the range.
      min_slope: The smallest slope at a knot.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every coupling on its data side.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events `[height, width, channels]`.

    Raises:
      ValueError: A size does not fit, or a limit of the splines is out of its range.

    Reference:
      Durkan, Bekasov, Murray & Papamakarios (2019), Neural Spline Flows, section 5.2, whose
      levels mix the channels by 1 x 1 convolutions.
    """
    count, transform = spline(num_bins, bound=bound, min_bin_size=min_bin_size, min_slope=min_slope)
    layer = functools.partial(Coupling, transform=transform)
    network = {"num_blocks": num_blocks, "activation": activation}
    return _multiscale(
        "multiscale_neural_spline",
        functools.partial(_two_kinds, act_norm=act_norm),
        _coupling_maker(layer, count, dtype, **network),
        image_shape,
        num_levels,
        num_couplings=num_couplings,
        hidden_channels=hidden_channels,
        seed=seed,
        dtype=dtype,
    )


def glow(
    image_shape,
    num_levels=None,
    num_steps=4,
    hidden_channels=32,
    num_blocks=2,
    *,
    parametrization="lu",
    transform="affine",
    log_scale_bound=3.0,
    num_bins=8,
    bound=5.0,
    min_bin_size=1e-3,
    min_slope=1e-3,
    activation="relu",
    seed=0,
    dtype=tf.float32,
):
    """Glow: couplings between which the channels are mixed by learned matrices.

    Each level, from the data: a `Squeeze`; `num_steps` steps of an `ActNorm`, an
    `InvertibleConv1x1` and a coupling of the halves of the channels. After each level but the
    last, half of the channels are finished (`Multiscale`).

    As `multiscale_real_nvp` it is on real values: for pixels put `pixel_range()` on its data side.

    Args:
      image_shape: (height, width, channels).
      num_levels: Number of levels; None as in `multiscale_real_nvp`.
      num_steps: Steps of each level, at least 1; or as many numbers as levels, beginning with
        the one beside the data.
      hidden_channels: Channels inside the networks; or a number for each level.
      num_blocks: Residual blocks of each network.
      parametrization: Of the matrices: `"lu"`, `"qr"` or `"householder"`.
      transform: What a coupling does to a number: `"affine"`, or `"spline"`.
      log_scale_bound: The largest log-scale of an affine coupling.
      num_bins: Number of bins of a spline.
      bound: The splines act on [-bound, bound].
      min_bin_size: The smallest width and height of a bin, as a fraction of the range.
      min_slope: The smallest slope at a knot.
      activation: Activation of the networks, a name or a callable.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events `[height, width, channels]`.

    Raises:
      ValueError: A size does not fit, the message says what would; or `transform`, the
        parametrization or the activation is unknown.

    Reference:
      Kingma & Dhariwal (2018), Glow: Generative Flow with Invertible 1x1 Convolutions, section 3
      and figure 2. Its networks have three convolutions, of 512 channels; these are residual.
    """
    if transform == "affine":
        count, layer = 2, functools.partial(AffineCoupling, log_scale_bound=log_scale_bound)
    elif transform == "spline":
        limits = {"bound": bound, "min_bin_size": min_bin_size, "min_slope": min_slope}
        count, of_parameters = spline(num_bins, **limits)
        layer = functools.partial(Coupling, transform=of_parameters)
    else:
        raise ValueError(f"Unknown transform {transform!r}; known: affine, spline.")
    return _multiscale(
        "glow",
        functools.partial(_glow_steps, parametrization=parametrization, dtype=dtype),
        _coupling_maker(layer, count, dtype, num_blocks=num_blocks, activation=activation),
        image_shape,
        num_levels,
        num_steps=num_steps,
        hidden_channels=hidden_channels,
        seed=seed,
        dtype=dtype,
    )


def _coupling_maker(layer, num_parameters, dtype, **network):
    """Returns a function that makes a coupling of images with so many channels."""

    def make(name, channels, hidden_channels, *, flip, seed):
        conditioner = ConvNet(
            channels // 2,
            num_parameters * channels // 2,
            hidden_channels,
            **network,
            seed=seed,
            dtype=dtype,
            name=f"{name}_conditioner",
        )
        return layer(channels, conditioner, flip=flip, dtype=dtype, name=name)

    return make


def _two_kinds(name, coupling, channels, num_couplings, hidden_channels, *, act_norm, seed):
    """Returns the links of a level of couplings by checkerboard and by channel, from the data."""
    links = []
    for kind in ("checkerboard", "channel"):
        if kind == "channel":
            links.append(_rows_in_order(channels))
        for i in range(num_couplings):
            link = coupling(
                f"{name}_{kind}_{i}",
                channels,
                hidden_channels,
                flip=i % 2 == 1,
                seed=[*seed, i, int(kind == "channel")],
            )
            links.append(with_act_norm(link) if act_norm else link)
    return links


def _glow_steps(
    name, coupling, channels, num_steps, hidden_channels, *, parametrization, seed, dtype
):
    """Returns the links of a level of Glow, from the data."""
    links = []
    for i in range(num_steps):
        step = f"{name}_step_{i}"
        links += [
            ActNorm(channels, dtype=dtype, name=f"{step}_act_norm"),
            InvertibleConv1x1(
                channels, parametrization, seed=[*seed, i, 0], dtype=dtype, name=f"{step}_mix"
            ),
            coupling(f"{step}_coupling", channels, hidden_channels, flip=False, seed=[*seed, i, 1]),
        ]
    return links


def _multiscale(name, links_of, coupling, image_shape, num_levels, *, seed, dtype, **per_level):
    """Returns a flow of levels, each a squeeze on the data side of the links that follow it.

    `per_level` is what `links_of` gets of each level: one number, or one for every level.
    """
    shape = positive_ints("image_shape", image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {image_shape!r}.")
    count = _number_of_levels(shape, num_levels)
    per_level = {key: _for_each_level(key, value, count) for key, value in per_level.items()}
    levels, channels, seed = [], shape[-1], seed_number(seed)
    for k in range(count):
        channels *= 4
        here = {key: values[k] for key, values in per_level.items()}
        links = links_of(f"level_{k + 1}", coupling, channels, **here, seed=[seed, k])
        squeeze = tfb.Invert(Squeeze(), name="squeeze")
        levels.append(tfb.Chain([squeeze, *links], name=f"level_{k + 1}"))
        channels //= 2
    size = int(np.prod(shape))
    base = tfd.MultivariateNormalDiag(tf.zeros([size], dtype), tf.ones([size], dtype))
    bijector = Multiscale(shape, levels, dtype=dtype)
    return tfd.TransformedDistribution(base, bijector, name=name)


def _number_of_levels(shape, num_levels):
    possible = halvings(shape)
    count = possible if num_levels is None else positive_int("num_levels", num_levels)
    if count > possible or not count:
        count = max(1, count)
        side = 2**count
        fits = " x ".join(str(side * max(_SMALLEST, round(s / side))) for s in shape[:2])
        raise ValueError(
            f"{count} level{'s need' if count > 1 else ' needs'} a height and width that can be "
            f"halved as often, down to at least {_SMALLEST}, got {shape[0]} x {shape[1]}; {fits} "
            "would fit."
        )
    return count


def _for_each_level(name, value, count):
    if not hasattr(value, "__iter__"):
        return (positive_int(name, value),) * count
    numbers = positive_ints(name, value)
    if len(numbers) != count:
        raise ValueError(f"{name} must be one number or {count}, one a level, got {value!r}.")
    return numbers


def halvings(shape):
    """Returns how often height and width can be halved without a side below the smallest."""
    height, width, count = *shape[:2], 0
    while height % 2 == 0 and width % 2 == 0 and min(height, width) >= 2 * _SMALLEST:
        height, width, count = height // 2, width // 2, count + 1
    return count


def _rows_in_order(channels):
    """Turns the blocks' pixels from the order a b c d, on the base side, into a d b c."""
    by_pixel = np.arange(channels).reshape(4, -1)
    return tfb.Permute(by_pixel[[0, 3, 1, 2]].ravel().astype(np.int32), axis=-1)
