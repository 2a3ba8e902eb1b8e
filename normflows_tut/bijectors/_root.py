"""Roots of increasing functions, to machine precision and with derivatives."""

import tensorflow as tf


def increasing_root(function, parameters, start, low, high, tolerance):
    """Solves `function(x, *parameters) = 0` for x between `low` and `high`, elementwise.

    Newton's method, replaced by bisection where it leaves the bracket or is slow. The root is
    differentiable in the parameters, twice, by the implicit function theorem.

    Args:
      function: Callable that returns the residual, increasing in x, and its slope.
      parameters: List of tensors.
      start: Where to begin, a tensor of the shape of the root.
      low: Where the residual is at most 0.
      high: Where it is at least 0.
      tolerance: The largest residual of a root; a few roundings of its terms.

    Returns:
      The roots.
    """
    # Nothing inside the loop may be watched by a gradient tape, variables included: XLA cannot
    # compile a loop that keeps its intermediate values.
    fixed = [tf.stop_gradient(parameter) for parameter in parameters]
    start, low, high, tolerance = map(tf.stop_gradient, (start, low, high, tolerance))

    def unfinished(iteration, x, residual, *_):
        del x
        return (iteration < 100) & tf.reduce_any(tf.abs(residual) > tolerance)

    def improve(iteration, x, residual, slope, low, high, last_step):
        low = tf.where(residual < 0, x, low)
        high = tf.where(residual > 0, x, high)
        newton = x - residual / slope
        inside = (newton > low) & (newton < high)
        fast = tf.abs(newton - x) < 0.9 * tf.abs(last_step)
        proposal = tf.where(inside & fast, newton, 0.5 * (low + high))
        # A root that is found stays: more steps would only stir its last bit.
        new = tf.where(tf.abs(residual) <= tolerance, x, proposal)
        return iteration + 1, new, *function(new, *fixed), low, high, new - x

    begin = (0, start, *function(start, *fixed), low, high, high - low)
    x = tf.stop_gradient(tf.while_loop(unfinished, improve, begin)[1])
    # A Newton step of value zero carries the derivatives of the root (the implicit function
    # theorem); each further one doubles the order that is exact.
    for _ in range(2):
        residual, slope = function(x, *parameters)
        step = residual / slope
        x -= step - tf.stop_gradient(step)
    return x
