"""The two networks of a variational autoencoder."""

import numpy as np
import tensorflow as tf

from normflows_tut._checks import positive_int, positive_ints
from normflows_tut.networks.dense import MLP, numbers


class Encoder(tf.Module):
    """From an image to a vector: what the posterior depends on.

    ```none
    output = mlp(2 x - 1)               all pixels in one vector
    ```

    Args:
      image_shape: (height, width, channels).
      output_size: Number of outputs.
      hidden_units: Sizes of the hidden layers.
      activation: Name of the activation between layers, or a callable.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1, or the activation is unknown. On use: what is given are no
        such images.

    Reference:
      Kingma & Welling (2014), Auto-Encoding Variational Bayes, appendix C.2.

    Example:
      >>> Encoder((28, 28, 1), 64)(tf.zeros([5, 28, 28, 1])).shape
      TensorShape([5, 64])
    """

    def __init__(
        self,
        image_shape,
        output_size,
        hidden_units=(300, 300),
        *,
        activation="relu",
        seed=0,
        dtype=tf.float32,
        name="encoder",
    ):
        super().__init__(name=name)
        self.image_shape = _image_shape(image_shape)
        self.mlp = MLP(
            int(np.prod(self.image_shape)),
            output_size,
            hidden_units,
            activation=activation,
            zero_last=False,
            seed=seed,
            dtype=dtype,
        )
        self.output_size = output_size

    def __call__(self, x):
        """Maps images `[..., h, w, c]`, with pixels in [0, 1], to `[..., output_size]`."""
        if getattr(x, "dtype", None) == np.uint8:
            raise ValueError(f"{self.name} takes pixels in [0, 1], got uint8: give x / 255.")
        x = numbers(self.name, x, self.mlp.dense[0].weights.dtype, ndims=3)
        if tuple(x.shape[-3:]) != self.image_shape:
            raise ValueError(f"{self.name} takes images {self.image_shape}, got shape {x.shape}.")
        flat = tf.concat([tf.shape(x)[:-3], [int(np.prod(self.image_shape))]], axis=0)
        return self.mlp(2.0 * tf.reshape(x, flat) - 1.0)


class Decoder(tf.Module):
    """From a latent vector to an image of logits: what each pixel is likely to be.

    The output is 0 everywhere at the start, each pixel black or white with probability 1/2.

    Args:
      latent_size: Number of inputs.
      image_shape: (height, width, channels).
      hidden_units: Sizes of the hidden layers.
      activation: Name of the activation between layers, or a callable.
      seed: An int or a sequence of ints; decides the random initial values.
      dtype: `tf.float32` or `tf.float64`.
      name: Name of the module.

    Raises:
      ValueError: A size is below 1, or the activation is unknown. On use: what is given are no
        vectors of that size.

    Reference:
      Kingma & Welling (2014), Auto-Encoding Variational Bayes, appendix C.1.

    Example:
      >>> Decoder(64, (28, 28, 1))(tf.zeros([5, 64])).shape
      TensorShape([5, 28, 28, 1])
    """

    def __init__(
        self,
        latent_size,
        image_shape,
        hidden_units=(300, 300),
        *,
        activation="relu",
        seed=0,
        dtype=tf.float32,
        name="decoder",
    ):
        super().__init__(name=name)
        self.image_shape = _image_shape(image_shape)
        self.mlp = MLP(
            positive_int("latent_size", latent_size),
            int(np.prod(self.image_shape)),
            hidden_units,
            activation=activation,
            seed=seed,
            dtype=dtype,
            name=name,  # so that what is refused names the decoder
        )

    def __call__(self, z):
        """Maps `[..., latent_size]` to logits `[..., h, w, c]`."""
        logits = self.mlp(z)
        return tf.reshape(logits, tf.concat([tf.shape(logits)[:-1], self.image_shape], axis=0))


def _image_shape(image_shape):
    shape = positive_ints("image_shape", image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {image_shape!r}.")
    return shape
