"""Flows on images: couplings on several scales, and what stands between them and pixels."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import non_negative_float, positive_int, positive_ints, seed_number
from normflows_tut.bijectors import (
    AffineCoupling,
    Coupling,
    Dequantization,
    Multiscale,
    RationalQuadraticSpline,
    Squeeze,
)
from normflows_tut.flows.composition import with_act_norm
from normflows_tut.flows.transforms import spline
from normflows_tut.networks import ConvNet, Embedding

tfb = tfp.bijectors
tfd = tfp.distributions

_SMALLEST = 4  # a side, in the deepest level


def pixel_range(alpha=0.05, num_values=256, *, dtype=tf.float32):
    """Returns the bijector from real numbers to the range of pixels: the logit's inverse.

    ```none
    forward(v) = num_values (sigmoid(v) - alpha) / (1 - 2 alpha)
    inverse(y) = logit(alpha + (1 - 2 alpha) y / num_values)
    ```

    The pixels [0, num_values] have the finite range +- logit(1 - alpha), where alpha > 0 keeps
    black and white from infinity. It is a `tfb.Sigmoid` with other ends.

    Args:
      alpha: A number of at least 0 and below 1/2.
      num_values: Number of values of a pixel.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfb.Sigmoid`.

    Raises:
      ValueError: A number is out of its range.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation Using Real NVP, section 4.1, where
      alpha is 0.05 and, as in other papers, stands on one side alone.

    Example:
      >>> pixel_range().forward(0.0).numpy().item()
      128.0
    """
    if not non_negative_float("alpha", alpha) < 0.5:
        raise ValueError(f"alpha must be at least 0 and below 1/2, got {alpha!r}.")
    n = positive_int("num_values", num_values)
    low = -n * alpha / (1 - 2 * alpha)
    return tfb.Sigmoid(low=tf.constant(low, dtype), high=tf.constant(n - low, dtype))


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
    return _multiscale(
        "multiscale_real_nvp",
        layer,
        2,
        image_shape,
        num_levels,
        num_couplings,
        act_norm=act_norm,
        seed=seed,
        dtype=dtype,
        hidden_channels=hidden_channels,
        num_blocks=num_blocks,
        activation=activation,
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
    return _multiscale(
        "multiscale_neural_spline",
        layer,
        count,
        image_shape,
        num_levels,
        num_couplings,
        act_norm=act_norm,
        seed=seed,
        dtype=dtype,
        hidden_channels=hidden_channels,
        num_blocks=num_blocks,
        activation=activation,
    )


def dequantization(num_channels=1, num_bins=8, num_values=256, *, dtype=tf.float32):
    """Returns a `Dequantization` whose noise is learned, for each value of a pixel by itself.

    A spline on [0, 1) for every channel and value bends the noise. It starts uniform. Put it on
    the data side of everything: `append(flow, pixel_range(), dequantization())`.

    Args:
      num_channels: Number of channels of the images.
      num_bins: Number of bins of every spline.
      num_values: Number of values of a pixel.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `bijectors.Dequantization`.

    Raises:
      ValueError: A count is below 1.

    Reference:
      Ho, Chen, Srinivas, Duan & Abbeel (2019), Flow++, section 3.1, where the noise depends on
      the whole image, by a flow of its own.
    """
    transform = functools.partial(RationalQuadraticSpline, bound=0.5)
    table = Embedding(num_values, 3 * positive_int("num_bins", num_bins) - 1, dtype=dtype)
    return Dequantization(num_channels, table, transform, dtype=dtype)


def _multiscale(
    name,
    layer,
    num_parameters,
    image_shape,
    num_levels,
    num_couplings,
    *,
    hidden_channels,
    act_norm,
    seed,
    dtype,
    **network,
):
    """Returns a flow of couplings of this kind, with so many parameters for each number."""
    shape = positive_ints("image_shape", image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {image_shape!r}.")
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
    couplings = _for_each_level("num_couplings", num_couplings, count)
    hidden = _for_each_level("hidden_channels", hidden_channels, count)
    levels, channels, seed = [], shape[-1], seed_number(seed)
    for k in range(count):
        channels *= 4
        links = [tfb.Invert(Squeeze(), name="squeeze")]
        for kind in ("checkerboard", "channel"):
            if kind == "channel":
                links.append(_rows_in_order(channels))
            for i in range(couplings[k]):
                place = f"level_{k + 1}_{kind}_{i}"
                conditioner = ConvNet(
                    channels // 2,
                    num_parameters * channels // 2,
                    hidden[k],
                    **network,
                    seed=[seed, k, i, int(kind == "channel")],
                    dtype=dtype,
                    name=f"{place}_conditioner",
                )
                coupling = layer(channels, conditioner, flip=i % 2 == 1, dtype=dtype, name=place)
                links.append(with_act_norm(coupling) if act_norm else coupling)
        levels.append(tfb.Chain(links, name=f"level_{k + 1}"))
        channels //= 2
    size = int(np.prod(shape))
    base = tfd.MultivariateNormalDiag(tf.zeros([size], dtype), tf.ones([size], dtype))
    bijector = Multiscale(shape, levels, dtype=dtype)
    return tfd.TransformedDistribution(base, bijector, name=name)


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
