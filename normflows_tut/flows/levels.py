"""The levels of flows on images: what they are made of, and how they are stacked."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int, positive_ints, seed_number
from normflows_tut.bijectors import ActNorm, InvertibleConv1x1, Multiscale, Squeeze
from normflows_tut.flows.composition import with_act_norm
from normflows_tut.flows.conditional import ConditionalFlow, normal_given
from normflows_tut.networks import ConvNet

tfb = tfp.bijectors
tfd = tfp.distributions

_SMALLEST = 4  # a side, in the deepest level
_STARTS = ("permutation", "rotation")


def coupling_maker(layer, num_parameters, dtype, **network):
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


def two_kinds(name, coupling, channels, num_couplings, hidden_channels, *, act_norm, seed):
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


def glow_steps(
    name, coupling, channels, num_steps, hidden_channels, *, parametrization, start, seed, dtype
):
    """Returns the links of a level of Glow, from the data."""
    if start not in _STARTS:
        raise ValueError(f"Unknown start {start!r}; known: {', '.join(_STARTS)}.")
    # `Squeeze` gives a block's pixels as a d b c, whose halves are the colours of the checkerboard;
    # those of a b c d are the rows.
    identity = np.eye(channels)
    rows = identity[np.arange(channels).reshape(4, -1)[[0, 2, 3, 1]].ravel()]
    turn = (num_steps + 1) // 2
    links = []
    for i in range(num_steps):
        step = f"{name}_step_{i}"
        mix = InvertibleConv1x1(
            channels,
            parametrization,
            start=None if start == "rotation" else rows if i == turn else identity,
            seed=[*seed, i, 0],
            dtype=dtype,
            name=f"{step}_mix",
        )
        links += [
            ActNorm(channels, dtype=dtype, name=f"{step}_act_norm"),
            mix,
            coupling(
                f"{step}_coupling",
                channels,
                hidden_channels,
                # The last one transforms the half that is finished here, given the half that goes
                # on: what Glow's learned prior of the finished half does.
                flip=(num_steps - i) % 2 == 0,
                seed=[*seed, i, 1],
            ),
        ]
    return links


def multiscale(
    name, links_of, coupling, image_shape, num_levels, *, context_size, seed, dtype, **per_level
):
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
    if not context_size:
        return tfd.TransformedDistribution(base, bijector, name=name)
    of_base = normal_given(size, context_size, hidden_units=(), seed=[seed, count], dtype=dtype)
    flow = tfd.TransformedDistribution(base, tfb.Chain([bijector, of_base]), name=name)
    return ConditionalFlow(flow, context_size)


def _number_of_levels(shape, num_levels):
    possible = halvings(shape)
    count = possible if num_levels is None else positive_int("num_levels", num_levels)
    if count > possible or not count:
        count = max(1, count)
        side = 2**count
        fits = " x ".join(str(side * max(_SMALLEST, round(s / side))) for s in shape[:2])
        sensible = count == 1 or side <= max(shape[:2])
        raise ValueError(
            f"{count} level{'s need' if count > 1 else ' needs'} a height and width that can be "
            f"halved as often, down to at least {_SMALLEST}, got {shape[0]} x {shape[1]}; "
            f"{fits if sensible else f'at most {possible}'} would fit."
        )
    return count


def _for_each_level(name, value, count):
    if np.ndim(value) == 0:
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
