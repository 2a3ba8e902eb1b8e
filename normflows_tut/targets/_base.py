"""What all targets share: shapes, bounds, the edge of the plane and memory."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import float_dtype

tfd = tfp.distributions

# Evaluating [points, nodes] tables: this many entries at a time (2 MB in float64), so that
# the memory does not grow with the number of points and a table stays in the cache.
_TABLE_ENTRIES = 2**18

# Beyond this every density here is exp(-1e18) or less, and squares begin to overflow float32.
_FAR = 1e9


class Target(tfd.Distribution):
    """A distribution on the plane with an exact `log_prob`.

    A subclass gives `_sample_n(n, seed) -> [n, 2]`, from stateless seeds and without
    Python side effects so that it compiles, and `_log_density(points) -> [n]` for finite
    points [n, 2] of `self.dtype`.

    Attributes:
      bounds: ((x0, x1), (y0, y1)), a box that holds all but about 1e-6 of the mass: what
        to integrate over.
      view: A box of the same form to draw; `bounds`, unless a thin tail would leave the
        drawing empty.
    """

    def __init__(self, bounds, *, view=None, table_width=1, dtype, parameters, name):
        """Sets the shapes.

        Args:
          bounds: ((x0, x1), (y0, y1)).
          view: ((x0, x1), (y0, y1)), or None for `bounds`.
          table_width: How many numbers `_log_density` holds at once for each point.
          dtype: tf.float32 or tf.float64.
          parameters: The arguments of the subclass, which make `copy` work.
          name: Name of the distribution.
        """
        dtype = float_dtype(dtype)
        self.bounds = _as_box(bounds)
        self.view = self.bounds if view is None else _as_box(view)
        self._chunk = max(1, _TABLE_ENTRIES // table_width)
        # A graph reuses its buffers, and is three times as fast as eager mode on such tables.
        self._map_chunks_graph = tf.function(self._map_chunks)
        super().__init__(
            dtype=dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _log_density(self, points):
        raise NotImplementedError

    def _log_prob(self, x):
        x = tf.cast(x, self.dtype)
        if x.shape.rank == 0 or x.shape[-1] not in (2, None):
            raise ValueError(f"points must have shape [..., 2], got {x.shape.as_list()}.")
        near = tf.reduce_all(tf.abs(x) < _FAR, axis=-1)  # False for NaN as well
        points = tf.where(near[..., tf.newaxis], x, tf.zeros_like(x))
        log_prob = self._chunked(tf.reshape(points, [-1, 2]))
        log_prob = tf.reshape(log_prob, tf.shape(x)[:-1])
        log_prob = tf.ensure_shape(log_prob, x.shape[:-1])
        # A NaN stays a NaN, so that a broken model is not taken for an unlikely point.
        elsewhere = tf.where(tf.reduce_any(tf.math.is_nan(x), axis=-1), np.nan, -np.inf)
        return tf.where(near, log_prob, tf.cast(elsewhere, self.dtype))

    def _chunked(self, points):
        if points.shape[0] is not None and points.shape[0] <= self._chunk:
            return self._log_density(points)
        n = tf.shape(points)[0]
        num_chunks = -(-n // self._chunk)
        padded = tf.pad(points, [[0, num_chunks * self._chunk - n], [0, 0]])
        chunks = tf.reshape(padded, [num_chunks, self._chunk, 2])
        return tf.reshape(self._map_chunks_graph(chunks), [-1])[:n]

    def _map_chunks(self, chunks):
        """`_log_density` of each of `chunks` [m, k, 2]; its gradient recomputes the tables.

        Otherwise a gradient would keep the tables of all chunks until it is taken.
        """

        def gradient_of(chunk_and_upstream):
            chunk, upstream = chunk_and_upstream
            with tf.GradientTape() as tape:
                tape.watch(chunk)
                log_density = self._log_density(chunk)
            return tape.gradient(log_density, chunk, output_gradients=upstream)

        @tf.custom_gradient
        def mapped(chunks):
            def gradient(upstream):
                return tf.map_fn(
                    gradient_of,
                    (chunks, upstream),
                    fn_output_signature=self.dtype,
                    parallel_iterations=1,
                )

            return tf.map_fn(self._log_density, chunks, parallel_iterations=1), gradient

        return mapped(chunks)

    def _event_shape(self):
        return tf.TensorShape([2])

    def _event_shape_tensor(self):
        return tf.constant([2], tf.int32)

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self, **parameter_kwargs):
        return tf.constant([], tf.int32)


def _as_box(bounds):
    return tuple((float(low), float(high)) for low, high in bounds)


def box_around(points, margin):
    """Returns ((x0, x1), (y0, y1)) around `points` [n, 2], with `margin` on every side."""
    low, high = np.min(points, axis=0) - margin, np.max(points, axis=0) + margin
    return ((low[0], high[0]), (low[1], high[1]))


def gauss_legendre(low, high, num_nodes):
    """Nodes and weights [num_nodes] in float64 for the integral over [low, high]."""
    nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
    half = (high - low) / 2
    return low + half * (nodes + 1), half * weights


def uniform(n, seed, dtype, low=0.0, high=1.0):
    """Draws [n] numbers from U[low, high)."""
    unit = tf.random.stateless_uniform([n], seed=seed, dtype=dtype)
    return low + (high - low) * unit


def noise(n, seed, scale, dtype):
    """Draws [n, 2] independent normal numbers of standard deviation `scale`."""
    return scale * tf.random.stateless_normal([n, 2], seed=seed, dtype=dtype)


def choice(n, seed, num_choices):
    """Draws [n] whole numbers below `num_choices`, all equally likely."""
    return tf.random.stateless_uniform([n], seed=seed, maxval=num_choices, dtype=tf.int32)


def safe_norm(points):
    """Length [n] of `points` [n, 2], with gradient 0 instead of NaN at the origin."""
    return tf.sqrt(tf.maximum(tf.reduce_sum(points**2, axis=-1), 1e-30))


def log_normal_interval(low, high):
    """Log of P(low < Z < high) of a standard normal Z, without cancellation in the tails.

    An interval right of 0 is mirrored to the left, where the distribution function is
    small and keeps its relative precision. Left of -10, where it begins to underflow in
    float32, its asymptotic series takes over, with a relative error of 2e-6 at most.
    `tfd.Normal.log_cdf` would do as well, but is six times slower.
    """
    right = low + high > 0
    low, high = tf.where(right, -high, low), tf.where(right, -low, high)
    # What the other branch sees is moved to where it is finite, and so are its gradients.
    tail = high < -10
    a, b = (tf.where(tail, tf.constant(-10, z.dtype), z) for z in (low, high))
    b = tf.where(tail, tf.constant(-9, b.dtype), b)
    near = tf.math.log((tf.math.erfc(-b / np.sqrt(2)) - tf.math.erfc(-a / np.sqrt(2))) / 2)
    a, b = tf.minimum(low, -10), tf.where(tail, high, tf.constant(-9.9, high.dtype))
    log_b = _log_tail(b)
    return tf.where(tail, log_b + tf.math.log1p(-tf.exp(_log_tail(a) - log_b)), near)


def _log_tail(z):
    """Log of P(Z < z) for z near -10 and below (Abramowitz and Stegun, 26.2.12)."""
    t = 1 / z**2
    series = 1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t)))
    return -(z**2) / 2 - tf.math.log(-z * np.sqrt(2 * np.pi)) + tf.math.log(series)
