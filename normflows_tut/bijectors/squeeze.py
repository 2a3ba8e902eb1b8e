"""Squeeze: blocks of pixels become channels."""

import tensorflow as tf
import tensorflow_probability as tfp

tfb = tfp.bijectors


class Squeeze(tfb.Bijector):
    """Every block of 2 x 2 pixels becomes one pixel of four times as many channels.

    ```none
    forward:  [..., h, w, c] -> [..., h / 2, w / 2, 4 c]
    log|det d forward/dx| = 0
    ```

    The block `a b / c d` becomes the channels `a d b c`, all channels of a pixel together. The
    first half of them, a and d, is one colour of a checkerboard and the second half, b and c,
    the other: a coupling of the halves here is a coupling by a checkerboard there.

    A flow from base to data has the `tfb.Invert` of it.

    Args:
      name: Name of the bijector.

    Raises:
      ValueError: On use, if a height or width is odd, a number of channels no multiple of 4, or
        one of them unknown.

    Reference:
      Dinh, Sohl-Dickstein & Bengio (2017), Density Estimation Using Real NVP, section 3.6 and
      figure 3.

    Example:
      >>> Squeeze().forward(tf.reshape(tf.range(4.0), [2, 2, 1])).numpy().ravel().tolist()
      [0.0, 3.0, 1.0, 2.0]
    """

    _IN_BLOCK = ((0, 0), (1, 1), (0, 1), (1, 0))  # row and column of a, d, b, c

    def __init__(self, name="squeeze"):
        parameters = dict(locals())
        super().__init__(
            forward_min_event_ndims=3,
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _forward(self, x):
        self._forward_event_shape(x.shape[-3:])
        return tf.concat([x[..., i::2, j::2, :] for i, j in self._IN_BLOCK], axis=-1)

    def _inverse(self, y):
        height, width, channels = self._inverse_event_shape(y.shape[-3:])
        a, d, b, c = tf.split(y, 4, axis=-1)
        rows = [tf.concat([a, b], axis=-1), tf.concat([c, d], axis=-1)]  # of pixels 2 by 2
        # [..., h / 2, row in the block, w / 2, column in the block and channel]
        return tf.reshape(
            tf.stack(rows, axis=-3), tf.concat([tf.shape(y)[:-3], [height, width, channels]], 0)
        )

    def _inverse_log_det_jacobian(self, y):
        return tf.zeros([], y.dtype)

    def _forward_log_det_jacobian(self, x):
        return tf.zeros([], x.dtype)

    def _known(self, shape):
        if None in list(shape):
            raise ValueError(f"Squeeze needs images of known sizes, got shape {list(shape)}.")
        return shape

    def _forward_event_shape(self, shape):
        height, width, channels = self._known(shape)
        if height % 2 or width % 2:
            raise ValueError(f"Squeeze needs an even height and width, got shape {list(shape)}.")
        return tf.TensorShape([height // 2, width // 2, 4 * channels])

    def _inverse_event_shape(self, shape):
        height, width, channels = self._known(shape)
        if channels % 4:
            raise ValueError(
                f"Squeeze is undone where channels are a multiple of 4, got shape {list(shape)}."
            )
        return tf.TensorShape([2 * height, 2 * width, channels // 4])

    def _forward_event_shape_tensor(self, shape):
        return tf.stack([shape[0] // 2, shape[1] // 2, 4 * shape[2]])

    def _inverse_event_shape_tensor(self, shape):
        return tf.stack([2 * shape[0], 2 * shape[1], shape[2] // 4])
