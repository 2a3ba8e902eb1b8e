"""Multi-scale: some coordinates leave the flow early, and every one is kept."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import cache_util

from normflows_tut._checks import positive_ints
from normflows_tut.bijectors._vector import broadcast_batch
from normflows_tut.bijectors.act_norm import initialize_act_norms

tfb = tfp.bijectors


class Multiscale(tfb.Bijector):
    """A stack of levels; after each but the last, half of the channels are finished.

    From data to base, with levels 1 to L from the data side:

    ```none
    h_0 = x
    (h_k, z_k) = split(level_k^-1(h_{k-1}))       k = 1 .. L - 1, halves of the channels
    z_L = level_L^-1(h_{L-1})
    inverse(x) = (z_L, ..., z_1), flattened one after another
    log|det d inverse/dx| = sum_k log|det d level_k^-1/dh_{k-1}|
    ```

    Nothing is thrown away: z has as many numbers as x, so forward finds the image again. The
    first numbers of z, z_L, are what all levels have worked on.

    Args:
      image_shape: (height, width, channels) of x.
      levels: Bijectors from base to data, the one beside the data first; each acts on images.
      context: Tensor `[..., c]`, the context that the levels were given, if they were: the leading
        dimensions of x and z are broadcast with its own.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the bijector.

    Raises:
      ValueError: There is no level, or one that is not the last ends with an odd number of
        channels, which have no halves.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation Using Real NVP, section 3.6,
      equations 13 to 16.

    Example:
      >>> squeeze = tfb.Invert(Squeeze())
      >>> Multiscale((4, 4, 1), [squeeze, squeeze]).inverse(tf.zeros([4, 4, 1])).shape
      TensorShape([16])
    """

    _cache = cache_util.BijectorCacheWithGreedyAttrs(
        forward_name="_augmented_forward", inverse_name="_augmented_inverse"
    )

    def __init__(self, image_shape, levels, *, context=None, dtype=tf.float32, name="multiscale"):
        parameters = dict(locals())
        self._image_shape = positive_ints("image_shape", image_shape)
        if len(self._image_shape) != 3:
            raise ValueError(
                f"image_shape must be (height, width, channels), got {tuple(image_shape)}."
            )
        self.levels = list(levels)
        if not self.levels:
            raise ValueError("levels must hold at least one bijector, got none.")
        self._context = context
        self._shapes = []  # of z_1 ... z_L
        shape = self._image_shape
        for k, level in enumerate(self.levels):
            shape = tuple(level.inverse_event_shape(shape))
            if k < len(self.levels) - 1:
                if shape[-1] % 2:
                    raise ValueError(
                        f"Level {k + 1} of {len(self.levels)} ends with shape {list(shape)}: an "
                        f"odd number of channels has no halves."
                    )
                shape = (*shape[:-1], shape[-1] // 2)
            self._shapes.append(shape)
        super().__init__(
            forward_min_event_ndims=1,
            inverse_min_event_ndims=3,
            dtype=dtype,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    @property
    def image_shape(self):
        """(height, width, channels) of the data."""
        return self._image_shape

    def split(self, z):
        """Returns the parts `z_L, ..., z_1` of `z` `[..., d]` as images, the deepest first."""
        shapes = self._shapes[::-1]
        parts = tf.split(z, [int(np.prod(shape)) for shape in shapes], axis=-1)
        outer = tf.shape(z)[:-1]
        return [
            tf.reshape(part, tf.concat([outer, shape], 0))
            for part, shape in zip(parts, shapes, strict=True)
        ]

    def join(self, parts):
        """Returns z `[..., d]` from what `split` returned."""
        outer = tf.shape(parts[0])[:-3]
        return tf.concat([tf.reshape(p, tf.concat([outer, [-1]], 0)) for p in parts], axis=-1)

    def initialize_act_norms(self, data):
        """Initializes every `ActNorm` inside that is not yet, from images `data`."""
        for k, level in enumerate(self.levels):
            initialize_act_norms(level, data)
            if k < len(self.levels) - 1:
                data = level.inverse(tf.identity(tf.convert_to_tensor(data, self.dtype)))
                data = tf.split(data, 2, axis=-1)[0]

    def _augmented_forward(self, z):
        if z.shape[-1] != (size := int(np.prod(self._image_shape))):
            raise ValueError(f"{self.name} acts on z of {size} numbers, got shape {z.shape}.")
        if self._context is not None:
            z = broadcast_batch(z, self._context)
        deepest, *parts = self.split(z)
        x, log_det = deepest, tf.zeros([], self.dtype)
        for k, level in enumerate(self.levels[::-1]):
            if k > 0:
                x = tf.concat([x, parts[k - 1]], axis=-1)
            log_det -= level.forward_log_det_jacobian(x, event_ndims=3)
            x = level.forward(x)
        return x, {"ildj": tf.broadcast_to(log_det, tf.shape(z)[:-1])}

    def _augmented_inverse(self, x):
        if not x.shape[-3:].is_compatible_with(self._image_shape):
            raise ValueError(
                f"{self.name} acts on images of shape {self._image_shape}, got shape {x.shape}."
            )
        x = tf.ensure_shape(x, x.shape[:-3].concatenate(self._image_shape))  # where it was unknown
        if self._context is not None:
            flat = tf.reshape(x, tf.concat([tf.shape(x)[:-3], [-1]], axis=0))
            flat = tf.ensure_shape(flat, x.shape[:-3].concatenate([None]))
            flat = broadcast_batch(flat, self._context)
            x = tf.reshape(flat, tf.concat([tf.shape(flat)[:-1], self._image_shape], axis=0))
        parts, log_det, outer = [], tf.zeros([], self.dtype), tf.shape(x)[:-3]
        for k, level in enumerate(self.levels):
            inner = level.inverse(x)
            log_det += level.inverse_log_det_jacobian(x, event_ndims=3)
            if k == len(self.levels) - 1:
                parts.append(inner)
            else:
                x, finished = tf.split(inner, 2, axis=-1)
                parts.append(finished)
        return self.join(parts[::-1]), {"ildj": tf.broadcast_to(log_det, outer)}

    # Called only where the value was not computed before.

    def _forward_log_det_jacobian(self, z):
        return -self._augmented_forward(z)[1]["ildj"]

    def _inverse_log_det_jacobian(self, x):
        return self._augmented_inverse(x)[1]["ildj"]

    def _forward_event_shape(self, shape):
        return tf.TensorShape(self._image_shape)

    def _inverse_event_shape(self, shape):
        return tf.TensorShape([int(np.prod(self._image_shape))])

    def _forward_event_shape_tensor(self, shape):
        return tf.constant(self._image_shape)

    def _inverse_event_shape_tensor(self, shape):
        return tf.constant([int(np.prod(self._image_shape))])
