"""The monotone rational-quadratic spline."""

import itertools
import math

import tensorflow as tf

from normflows_tut._checks import positive_float
from normflows_tut.bijectors._elementwise import ElementwiseBijector


class RationalQuadraticSpline(ElementwiseBijector):
    """A monotone spline of K bins on [-bound, bound] in each coordinate, the identity outside.

    Within bin k, from the knot (x_k, y_k) to (x_k + w_k, y_k + h_k), with slopes d_k and
    d_(k+1) at its ends, mean slope s = h_k / w_k and xi = (x - x_k) / w_k:

    ```none
    forward(x) = y_k + h_k (s xi^2 + d_k xi (1 - xi)) / (s + (d_(k+1) + d_k - 2 s) xi (1 - xi))
    slope(x)   = s^2 (d_(k+1) xi^2 + 2 s xi (1 - xi) + d_k (1 - xi)^2)
                 / (s + (d_(k+1) + d_k - 2 s) xi (1 - xi))^2
    log|det d forward/dx| = sum_i log slope(x_i)
    ```

    The inverse is the root of a quadratic, in whichever of its two forms does not cancel.

    The parameters are free numbers: K for the widths and K for the heights (a softmax, so that
    they fill the range), K - 1 for the slopes at the inner knots (a softplus). All zero give
    the identity. The slopes at the two ends are 1: the tails continue them.

    Args:
      raw: Unconstrained parameters, a tensor or variable `[..., 3 K - 1, d]`, in the order
        above; its leading dimensions are those of the points, or none.
      bound: Half the width of the range, above 0.
      min_bin_size: The smallest width and height of a bin, as a fraction of the range; at most
        1 / K.
      min_slope: The smallest slope at a knot, between 0 and 1.
      name: Name of the bijector.

    Raises:
      ValueError: The number of parameters is not 3 K - 1, or a limit is out of its range.

    Reference:
      Durkan, Bekasov, Murray & Papamakarios (2019), Neural Spline Flows, equations 4 to 8.

    Example:
      >>> RationalQuadraticSpline(tf.zeros([23, 1])).forward([[0.5], [9.0]]).numpy().tolist()
      [[0.5], [9.0]]
    """

    def __init__(
        self,
        raw,
        *,
        bound=5.0,
        min_bin_size=1e-3,
        min_slope=1e-3,
        name="rational_quadratic_spline",
    ):
        parameters = dict(locals())
        super().__init__(raw, parameters=parameters, name=name)
        self.num_bins = num_bins_of(self.raw.shape[-2])
        self._bound = positive_float("bound", bound)
        self._min_bin_size = positive_float("min_bin_size", min_bin_size)
        if self._min_bin_size * self.num_bins > 1:
            raise ValueError(
                f"{self.num_bins} bins of at least {min_bin_size} of the range do not fit into it: "
                f"min_bin_size must be at most {1 / self.num_bins:.4g}."
            )
        self._min_slope = positive_float("min_slope", min_slope)
        if self._min_slope >= 1:
            raise ValueError(f"min_slope must be below 1, got {min_slope}.")

    @property
    def bound(self):
        """Half the width of the range."""
        return self._bound

    def knots(self):
        """Returns x `[K + 1, ..., d]`, y of the same shape, and the slopes there, as arrays."""
        raw = tf.convert_to_tensor(self.raw)
        raw = tf.transpose(raw, [raw.shape.rank - 2, *range(raw.shape.rank - 2), -1])
        sizes, slopes = self._bins(raw)
        starts = _sums_before(sizes) - self._bound
        ends = tf.fill(tf.shape(starts[:, :1]), tf.constant(self._bound, self.dtype))
        x, y = tf.concat([starts, ends], axis=1).numpy()
        return x, y, slopes.numpy()

    def _bins(self, raw):
        """Returns widths and heights, `[2, K, ...]`, and slopes `[K + 1, ...]`."""
        k, shape = self.num_bins, tf.shape(raw)[1:]
        sizes = tf.reshape(raw[: 2 * k], tf.concat([[2, k], shape], axis=0))
        shares = self._min_bin_size + (1 - k * self._min_bin_size) * _softmax(sizes)
        at_ends = tf.ones_like(raw[:1])
        # softplus(offset) + min_slope = 1.
        offset = math.log(math.expm1(1 - self._min_slope))
        inner = self._min_slope + tf.nn.softplus(raw[2 * k :] + offset)
        return 2 * self._bound * shares, tf.concat([at_ends, inner, at_ends], axis=0)

    def _bin_of(self, value, raw, axis):
        """Returns w, h, x_k, y_k, d_k, d_(k+1) of the bins that the values are in.

        The bin is picked by comparisons and sums with zeros and a one, not by a search and a
        gather, whose gradient is a scatter.
        """
        # The raw parameters may be one set for all points.
        sizes, slopes = (
            tf.broadcast_to(part, tf.concat([tf.shape(part)[:-2], tf.shape(value)], axis=0))
            for part in self._bins(raw)
        )
        number = tf.reshape(tf.range(self.num_bins, dtype=self.dtype), [-1, 1, 1])

        @tf.custom_gradient
        def pick(sizes, slopes):
            starts = _sums_before(sizes) - self._bound
            index = _sum_over_bins(tf.cast(value >= starts[axis, 1:], self.dtype), axis=0)
            is_in = tf.cast(tf.equal(number, index), self.dtype)  # (K, d, n)

            def gradient(*of_parts):
                # x_k is the sum of the widths before it. Autodiff goes back through each of
                # these sums: with 24 bins in the plane a training step took a third longer.
                is_before = tf.cast(number < index, self.dtype)
                # XLA computes what is spread over the bins anew for each of them, and with it
                # all that it follows from, back to the last layer, unless that ends in a
                # division: without this one a step of eight layers took twice as long.
                one = tf.reduce_sum(is_in, axis=0)
                w, h, left, low, d_left, d_right = (part / one for part in of_parts)
                of_sizes = tf.stack([is_in * w + is_before * left, is_in * h + is_before * low])
                at_left = tf.pad(is_in * d_left, [[0, 1], [0, 0], [0, 0]])
                at_right = tf.pad(is_in * d_right, [[1, 0], [0, 0], [0, 0]])
                return of_sizes, at_left + at_right

            parts = (*tf.unstack(sizes), *tf.unstack(starts), slopes[:-1], slopes[1:])
            return [_sum_over_bins(is_in * part, axis=0) for part in parts], gradient

        return pick(sizes, slopes)

    def _inside(self, value):
        """Returns where the spline acts, and values at which it can be evaluated anywhere."""
        inside = (value > -self._bound) & (value < self._bound)
        # Outside, 0 stands in: its branch is not chosen, but its gradient must be finite.
        return inside, tf.where(inside, value, tf.zeros_like(value))

    def _forward_columns(self, x, raw):
        inside, x_inside = self._inside(x)
        w, h, left, low, d_left, d_right = self._bin_of(x_inside, raw, axis=0)
        xi, s = _within_bin((x_inside - left) / w), h / w
        middle = xi * (1 - xi)
        y = low + h * (s * xi * xi + d_left * middle) / (s + (d_left + d_right - 2 * s) * middle)
        log_slope = _log_slope(xi, s, d_left, d_right)
        return tf.where(inside, y, x), tf.where(inside, log_slope, tf.zeros_like(x))

    def _inverse_columns(self, y, raw):
        """Durkan et al., equations 6 to 8."""
        inside, y_inside = self._inside(y)
        w, h, left, low, d_left, d_right = self._bin_of(y_inside, raw, axis=1)
        s, rise = h / w, y_inside - low
        bend = d_left + d_right - 2 * s
        a = h * (s - d_left) + rise * bend
        b = h * d_left - rise * bend
        c = -s * rise
        # Positive but for rounding; the floor keeps the gradient of the root finite.
        root = tf.sqrt(tf.maximum(b * b - 4 * a * c, 1e-30))
        # Of the two forms of the root, the one that adds; the paper's, for all b, is
        # -2 c / (b + root). A negative b makes a positive, since a + b + c = s (h - rise) >= 0
        # and c <= 0.
        total = tf.abs(b) + root
        xi = _within_bin(tf.where(b >= 0, -2 * c, total) / tf.where(b >= 0, total, 2 * a))
        log_slope = _log_slope(xi, s, d_left, d_right)
        x = left + xi * w
        return tf.where(inside, x, y), tf.where(inside, -log_slope, tf.zeros_like(y))


def num_parameters(num_bins):
    """Returns how many raw parameters a coordinate has: 3 K - 1."""
    return 3 * num_bins - 1


def num_bins_of(num_parameters):
    """Returns K, or raises a ValueError if there is none."""
    if num_parameters is None or num_parameters < 2 or num_parameters % 3 != 2:
        raise ValueError(
            f"raw must hold 3 K - 1 parameters a coordinate for K bins, in its second to last "
            f"dimension; got {num_parameters}."
        )
    return (num_parameters + 1) // 3


@tf.custom_gradient
def _softmax(raw):
    """The softmax along axis 1 of `[2, K, ...]`."""
    sizes = tf.exp(raw - tf.reduce_max(raw, axis=1, keepdims=True))
    shares = sizes / tf.reduce_sum(sizes, axis=1, keepdims=True)

    def gradient(upstream):
        total = _sum_over_bins(upstream * shares, axis=1)
        return shares * (upstream - tf.expand_dims(total, axis=1))

    return shares, gradient


def _sum_over_bins(parts, axis):
    """`tf.reduce_sum(parts, axis)`, which XLA compiles well for more than 12 bins.

    Up to 32 terms are summed in one loop with what they are made of, for one point at a time;
    from the 33rd on XLA makes the terms first, many at once. So zeros are added: a training step
    of six layers takes 2.2 rather than 3.2 ms for 32 bins, 1.6 rather than 2.0 for 24, 1.1
    rather than 1.2 for 16, and no less for 8 (one core, 512 points in the plane).
    """
    missing = 33 - parts.shape[axis]
    if 0 < missing < 21:
        paddings = [[0, missing if i == axis else 0] for i in range(parts.shape.rank)]
        parts = tf.pad(parts, paddings)
    return tf.reduce_sum(parts, axis=axis)


def _sums_before(sizes):
    """Returns for every bin the sum of the sizes before it, along axis 1 of `[2, K, ...]`.

    One addition after the other: under XLA a tenth of the time of `tf.cumsum` at 24 bins.
    """
    *parts, last = tf.unstack(sizes, axis=1)
    return tf.stack(list(itertools.accumulate(parts, initial=tf.zeros_like(last))), axis=1)


def _within_bin(xi):
    """The position in a bin, which rounding can push past an end, where the slope may be negative.

    At x = 5 neighbouring float32 numbers are 5e-7 apart; in a bin 0.01 wide that is 5e-5 of xi.
    """
    return tf.clip_by_value(xi, 0, 1)


def _log_slope(xi, s, d_left, d_right):
    """Durkan et al., equation 5, in logarithms."""
    middle = xi * (1 - xi)
    over = d_right * tf.square(xi) + 2 * s * middle + d_left * tf.square(1 - xi)
    under = s + (d_left + d_right - 2 * s) * middle
    return tf.math.log(over * tf.square(s / under))
