"""Flows on images: couplings on several scales."""

import functools

import tensorflow as tf

from normflows_tut.bijectors import AffineCoupling, Coupling
from normflows_tut.flows.levels import coupling_maker, glow_steps, multiscale, two_kinds
from normflows_tut.flows.transforms import spline


def multiscale_real_nvp(
    image_shape,
    num_levels=None,
    num_couplings=4,
    hidden_channels=32,
    num_blocks=2,
    *,
    context_size=0,
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
      context_size: Number of numbers in the context that all networks take, and the mean and
        deviation of the base depend on; 0 for none.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every coupling on its data side.
      log_scale_bound: The largest log-scale of a coupling.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events `[height, width, channels]`; a `ConditionalFlow`
      of such if there is a context.

    Raises:
      ValueError: A size does not fit; the message says what would.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation Using Real NVP, sections 3.4 to 3.7.
    """
    layer = functools.partial(AffineCoupling, log_scale_bound=log_scale_bound)
    network = {"num_blocks": num_blocks, "context_size": context_size, "activation": activation}
    return multiscale(
        "multiscale_real_nvp",
        functools.partial(two_kinds, act_norm=act_norm),
        coupling_maker(layer, 2, dtype, **network),
        image_shape,
        num_levels,
        num_couplings=num_couplings,
        hidden_channels=hidden_channels,
        context_size=context_size,
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
    context_size=0,
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
      context_size: Number of numbers in the context that all networks take, and the mean and
        deviation of the base depend on; 0 for none.
      bound: The splines act on [-bound, bound].
      min_bin_size: The smallest width and height of a bin, as a fraction of the range.
      min_slope: The smallest slope at a knot.
      activation: Activation of the networks, a name or a callable.
      act_norm: Whether an ActNorm follows every coupling on its data side.
      seed: Non-negative int; decides the initial weights.
      dtype: `tf.float32` or `tf.float64`.

    Returns:
      A `tfd.TransformedDistribution` on events `[height, width, channels]`; a `ConditionalFlow`
      of such if there is a context.

    Raises:
      ValueError: A size does not fit, or a limit of the splines is out of its range.

    Reference:
      Durkan, Bekasov, Murray & Papamakarios (2019), Neural Spline Flows, section 5.2, whose
      levels mix the channels by 1 x 1 convolutions.
    """
    count, transform = spline(num_bins, bound=bound, min_bin_size=min_bin_size, min_slope=min_slope)
    layer = functools.partial(Coupling, transform=transform)
    network = {"num_blocks": num_blocks, "context_size": context_size, "activation": activation}
    return multiscale(
        "multiscale_neural_spline",
        functools.partial(two_kinds, act_norm=act_norm),
        coupling_maker(layer, count, dtype, **network),
        image_shape,
        num_levels,
        num_couplings=num_couplings,
        hidden_channels=hidden_channels,
        context_size=context_size,
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
    context_size=0,
    parametrization="lu",
    start="permutation",
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
    `InvertibleConv1x1` and a coupling; the couplings of a level transform the first half of the
    channels and the second in turn, the second at the end. After each level but the last, this
    second half is finished (`Multiscale`).

    As `multiscale_real_nvp` it is on real values: for pixels put `pixel_range()` on its data side.

    Args:
      image_shape: (height, width, channels).
      num_levels: Number of levels; None as in `multiscale_real_nvp`.
      num_steps: Steps of each level, at least 1; or as many numbers as levels, beginning with
        the one beside the data.
      hidden_channels: Channels inside the networks; or a number for each level.
      num_blocks: Residual blocks of each network.
      context_size: Number of numbers in the context that all networks take, and the mean and
        deviation of the base depend on; 0 for none.
      parametrization: Of the matrices: `"lu"`, `"qr"`, `"householder"`, or `"fixed"` for matrices
        that stay as they start.
      start: What the matrices are at the start: with `"permutation"` the halves are the colours of
        the checkerboard in the first half of a level's steps and the upper and lower rows of the
        blocks in the second, so that Glow starts as `multiscale_real_nvp`; with `"rotation"` they
        are random, as in the paper.
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
      A `tfd.TransformedDistribution` on events `[height, width, channels]`; a `ConditionalFlow`
      of such if there is a context.

    Raises:
      ValueError: A size does not fit, the message says what would; or `transform`, the
        parametrization or the activation is unknown.

    Reference:
      Kingma & Dhariwal (2018), Glow: Generative Flow with Invertible 1x1 Convolutions, section 3
      and figure 2. Its networks have three convolutions, of 512 channels; these are residual.
    """
    # Also for affine couplings, so that a wrong limit is never passed over.
    limits = {"bound": bound, "min_bin_size": min_bin_size, "min_slope": min_slope}
    num_of_spline, of_parameters = spline(num_bins, **limits)
    if transform == "affine":
        count, layer = 2, functools.partial(AffineCoupling, log_scale_bound=log_scale_bound)
    elif transform == "spline":
        count, layer = num_of_spline, functools.partial(Coupling, transform=of_parameters)
    else:
        raise ValueError(f"Unknown transform {transform!r}; known: affine, spline.")
    network = {"num_blocks": num_blocks, "context_size": context_size, "activation": activation}
    return multiscale(
        "glow",
        functools.partial(glow_steps, parametrization=parametrization, start=start, dtype=dtype),
        coupling_maker(layer, count, dtype, **network),
        image_shape,
        num_levels,
        num_steps=num_steps,
        hidden_channels=hidden_channels,
        context_size=context_size,
        seed=seed,
        dtype=dtype,
    )
