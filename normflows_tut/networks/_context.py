"""What the networks share that take a context besides their input."""

import tensorflow as tf


def check_context(name, context_size, context):
    """Raises a ValueError unless `context` is there if it is needed, and as wide as it must be."""
    width = 0 if context is None else context.shape[-1]
    if width != context_size:
        raise ValueError(f"{name} takes a context of width {context_size}, got {width}.")


def joined(x, context):
    """Returns `[..., m + c]` of `[..., m]` and a context `[..., c]`, or `x` if there is none.

    Their leading dimensions are broadcast: many points share a context, or many contexts a point.
    """
    if context is None:
        return x
    if x.shape[:-1] != context.shape[:-1] or not x.shape[:-1].is_fully_defined():
        batch = tf.broadcast_dynamic_shape(tf.shape(x)[:-1], tf.shape(context)[:-1])
        x = tf.broadcast_to(x, tf.concat([batch, tf.shape(x)[-1:]], axis=0))
        context = tf.broadcast_to(context, tf.concat([batch, tf.shape(context)[-1:]], axis=0))
    return tf.concat([x, context], axis=-1)
