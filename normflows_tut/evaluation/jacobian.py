"""Checks of a bijector against itself and against automatic differentiation."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfb = tfp.bijectors


class MaxError(float):
    """The larger of two maximal errors, with each of them as an attribute.

    Attributes:
      forward: The error met when the points went through `forward` first, that is
        when they were read as points of the base space.
      inverse: The error met when they went through `inverse` first, that is when
        they were read as points of the data space.
    """

    def __new__(cls, forward, inverse):
        """Keeps a NaN: an error that cannot be told is not a small one."""
        error = super().__new__(cls, np.max([forward, inverse]))
        error.forward, error.inverse = float(forward), float(inverse)
        return error

    def __repr__(self):
        return f"MaxError(forward={self.forward:.3g}, inverse={self.inverse:.3g})"


def _bijector_and_points(flow_or_bijector, x):
    bijector = flow_or_bijector
    if not isinstance(bijector, tfb.Bijector):
        bijector = getattr(flow_or_bijector, "bijector", None)
    if bijector is None:
        raise ValueError(f"a flow or a bijector is needed, got {flow_or_bijector!r}.")
    x = np.asarray(x)
    dtype = tf.as_dtype(flow_or_bijector.dtype or (x.dtype if x.dtype.kind == "f" else "float64"))
    needed = 1 + max(bijector.forward_min_event_ndims, bijector.inverse_min_event_ndims)
    if x.ndim < needed or x.size == 0:
        raise ValueError(
            f"x must hold at least one point and have {needed} or more axes for "
            f"{bijector.name}, the first over points, got shape {list(x.shape)}."
        )
    return bijector, tf.constant(x, dtype)


def _there_and_back(there, back, x):
    y = there(tf.identity(x))
    return np.max(np.abs((back(tf.identity(y)) - x).numpy()))  # identity: a tensor no cache knows


def round_trip_error(flow_or_bijector, x):
    """Measures how far a point is from itself after a round trip, in both directions.

    max |inverse(forward(x)) - x| and max |forward(inverse(x)) - x|, over points and
    coordinates, with TFP's cache broken in between.

    Args:
      flow_or_bijector: A `tfd.TransformedDistribution` or a `tfb.Bijector`.
      x: Array [n, ...event] of points that are valid on both sides.

    Returns:
      A `MaxError`: a float, the larger of the two. Its attribute `forward` is the
      error of inverse(forward(x)), `inverse` that of forward(inverse(x)). Where x is
      outside the domain of one of them, that error and the larger one are NaN.

    Raises:
      ValueError: `x` is empty or has too few axes.

    Example:
      >>> round_trip_error(tfb.Scale(2.0), [[0.5, 1.0]])
      MaxError(forward=0, inverse=0)
    """
    bijector, x = _bijector_and_points(flow_or_bijector, x)
    return MaxError(
        forward=_there_and_back(bijector.forward, bijector.inverse, x),
        inverse=_there_and_back(bijector.inverse, bijector.forward, x),
    )


def _log_det_difference(transform, log_det, x, event_ndims):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = transform(tf.identity(x))
        # The rows do not see each other, so the gradient of a column's sum holds one
        # row of every point's Jacobian.
        columns = tf.unstack(tf.reshape(y, [len(x), -1]), axis=1)
    rows = [
        tape.gradient(column, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        for column in columns
    ]
    jacobian = np.stack([row.numpy().reshape(len(x), -1) for row in rows], axis=1)
    if jacobian.shape[1] != jacobian.shape[2]:
        raise ValueError(
            f"the Jacobian is {jacobian.shape[1]} x {jacobian.shape[2]}; "
            "only a square one has a determinant."
        )
    _, expected = np.linalg.slogdet(jacobian.astype(np.float64))
    claimed = log_det(tf.identity(x), event_ndims=event_ndims).numpy()
    return np.max(np.abs(claimed - expected))


def log_det_error(flow_or_bijector, x):
    """Measures the log-determinant against that of the Jacobian by automatic differentiation.

    max |log_det_jacobian(x) - log |det J(x)||, for `forward` and for `inverse`, with
    TFP's cache broken. The Jacobian is that of a whole row of `x`: an elementwise
    bijector given [n, d] is held against its d x d Jacobian.

    Args:
      flow_or_bijector: A `tfd.TransformedDistribution` or a `tfb.Bijector`.
      x: Array [n, ...event] of points that are valid on both sides; the cost grows
        with the size of the event.

    Returns:
      A `MaxError` in nats: a float, the larger of the two, with the attributes
      `forward` and `inverse`. NaN where a log-determinant is NaN or not finite.

    Raises:
      ValueError: `x` is empty or has too few axes, or the Jacobian is not square.

    Example:
      >>> log_det_error(tfb.Scale(2.0), [[0.5, 1.0]]) < 1e-6
      True
    """
    bijector, x = _bijector_and_points(flow_or_bijector, x)
    ndims = len(x.shape) - 1
    back_ndims = bijector.forward_event_ndims(ndims)
    return MaxError(
        forward=_log_det_difference(bijector.forward, bijector.forward_log_det_jacobian, x, ndims),
        inverse=_log_det_difference(
            bijector.inverse, bijector.inverse_log_det_jacobian, x, back_ndims
        ),
    )
