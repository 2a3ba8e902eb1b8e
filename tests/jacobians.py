"""Jacobians by automatic differentiation."""

import numpy as np
import tensorflow as tf


def image_and_log_det(function, points):
    """Returns f(points) and log|det| of f's Jacobian at each of `points` [n, ...event].

    Of each point there are as many copies as coordinates: no point sees another, so one pass
    backwards has all rows. `batch_jacobian` compiles a graph for each function, which takes longer.
    """
    count, size = len(points), int(np.prod(points.shape[1:]))
    copies = tf.repeat(points[tf.newaxis], size, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(copies)
        images = function(copies)
        coordinates = tf.reshape(images, [size, count, size])
        chosen = tf.linalg.diag_part(tf.transpose(coordinates, [1, 0, 2]))
    rows = tf.reshape(tape.gradient(chosen, copies), [size, count, size])
    return images[0], np.linalg.slogdet(np.moveaxis(rows.numpy(), 0, 1))[1]
