"""Flows on images: multi-scale RealNVP."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int, positive_ints
from normflows_tut.bijectors import AffineCoupling, Multiscale, Squeeze
from normflows_tut.flows.composition import with_act_norm
from normflows_tut.networks import ConvNet

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
      >>> pixel_range().forward(0.0).numpy()
      128.0
    """
    if not 0 <= alpha < 0.5:
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
      num_couplings: Couplings of either kind in each level, at least 1.
      hidden_channels: Channels inside the networks.
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
    shape = positive_ints("image_shape", image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {image_shape!r}.")
    possible = halvings(shape)
    count = possible if num_levels is None else positive_int("num_levels", num_levels)
    if count > possible or not count:
        side = 2 ** max(1, count)
        fits = " x ".join(str(max(side * round(s / side), side)) for s in shape[:2])
        raise ValueError(
            f"{count or 'one'} levels need a height and width that can be halved as often, "
            f"got {shape[0]} x {shape[1]}; {fits} would fit."
        )
    levels, channels = [], shape[-1]
    for k in range(count):
        channels *= 4
        links = [tfb.Invert(Squeeze(), name="squeeze")]
        for kind in ("checkerboard", "channel"):
            if kind == "channel":
                links.append(_rows_in_order(channels))
            for i in range(positive_int("num_couplings", num_couplings)):
                name = f"level_{k + 1}_{kind}_{i}"
                conditioner = ConvNet(
                    channels // 2,
                    channels,
                    hidden_channels,
                    num_blocks,
                    activation=activation,
                    seed=[*np.atleast_1d(seed), k, i, int(kind == "channel")],
                    dtype=dtype,
                    name=f"{name}_conditioner",
                )
                coupling = AffineCoupling(
                    channels,
                    conditioner,
                    flip=i % 2 == 1,
                    log_scale_bound=log_scale_bound,
                    dtype=dtype,
                    name=name,
                )
                links.append(with_act_norm(coupling) if act_norm else coupling)
        levels.append(tfb.Chain(links, name=f"level_{k + 1}"))
        channels //= 2
    size = int(np.prod(shape))
    base = tfd.MultivariateNormalDiag(tf.zeros([size], dtype), tf.ones([size], dtype))
    bijector = Multiscale(shape, levels, dtype=dtype)
    return tfd.TransformedDistribution(base, bijector, name="multiscale_real_nvp")


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
