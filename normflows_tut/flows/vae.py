"""The variational autoencoder: flows on its latent side."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int, seed_number
from normflows_tut.flows.conditional import ConditionalFlow

tfd = tfp.distributions


def bernoulli(logits):
    """Returns the distribution of images `[..., h, w, c]` of independent black or white pixels."""
    return tfd.Independent(tfd.Bernoulli(logits=logits, dtype=logits.dtype), 3)


class VAE(tf.Module):
    """A variational autoencoder whose posterior and prior are flows.

    ```none
    p(z)         prior
    p(x | z)     likelihood(decoder(z))
    q(z | x)     posterior(encoder(x))
    log p(x)  >= E_q [log p(x | z) + log p(z) - log q(z | x)]  =  the ELBO
    ```

    With a flow z_K = f_K(... f_1(z_0)), and z_0 from the normal distribution that the encoder asks
    for, log q(z_K | x) = log q(z_0 | x) - sum_k log|det df_k/dz_(k-1)|: the layers' log-dets are
    added to the ELBO. Samples go forward, so that nothing is inverted while it is trained.

    Args:
      encoder: Callable from data `[..., *event_shape]` to contexts `[..., c]`; a `tf.Module`.
      decoder: Callable from latents `[..., d]` to what `likelihood` takes; a `tf.Module`.
      posterior: A `ConditionalFlow` on `[d]` that takes contexts of c numbers.
      prior: A distribution on `[d]`; None for the standard normal. A flow is trained with the rest.
      likelihood: Callable from what the decoder returns to a `tfd.Distribution` on the data.
      event_shape: Shape of one data point; None for the `image_shape` of the encoder.
      name: Name of the model.

    Raises:
      ValueError: The posterior is no `ConditionalFlow`; the prior is no distribution, has a batch,
        another dtype, or other events; or the shape of the data is not known.

    Reference:
      Kingma & Welling (2014), Auto-Encoding Variational Bayes, equation 3; Rezende & Mohamed
      (2015), Variational Inference with Normalizing Flows, equation 15.

    Example:
      >>> from normflows_tut.networks import Decoder, Encoder
      >>> posterior = planar(2, num_layers=4, context_size=16, hidden_units=())
      >>> vae = VAE(Encoder((8, 8, 1), 16), Decoder(2, (8, 8, 1)), posterior)
      >>> vae.elbo(tf.zeros([3, 8, 8, 1]), seed=0).shape
      TensorShape([3])
    """

    def __init__(
        self,
        encoder,
        decoder,
        posterior,
        *,
        prior=None,
        likelihood=bernoulli,
        event_shape=None,
        name="vae",
    ):
        super().__init__(name=name)
        if not isinstance(posterior, ConditionalFlow):
            raise ValueError(f"posterior must be a ConditionalFlow, got {posterior!r}.")
        if prior is None:
            zeros = tf.zeros(posterior.event_shape, posterior.dtype)
            prior = tfd.MultivariateNormalDiag(zeros, tf.ones_like(zeros))
        _check_prior(prior, posterior)
        if event_shape is None and not hasattr(encoder, "image_shape"):
            raise ValueError("The encoder has no image_shape: give event_shape, that of one datum.")
        self.encoder, self.decoder, self.posterior = encoder, decoder, posterior
        self.prior, self.likelihood = prior, likelihood
        shape = encoder.image_shape if event_shape is None else event_shape
        self._event_shape = tf.TensorShape(shape)

    @property
    def event_shape(self):
        """Shape of one data point."""
        return self._event_shape

    @property
    def dtype(self):
        """`tf.float32` or `tf.float64`."""
        return self.posterior.dtype

    def encode(self, x):
        """Returns q(z | x), a `tfd.TransformedDistribution` whose batch is that of `x`."""
        return self.posterior(self.encoder(tf.convert_to_tensor(x, self.dtype)))

    def decode(self, z):
        """Returns p(x | z), a `tfd.Distribution` whose batch is that of `z`."""
        return self.likelihood(self.decoder(tf.convert_to_tensor(z, self.dtype)))

    def terms(self, x, *, num_samples=1, seed=0):
        """Returns log p(x | z) and log p(z) - log q(z | x) for samples z of q(z | x).

        Args:
          x: Data `[n, *event_shape]`.
          num_samples: Number of samples k for each.
          seed: Int, or a pair of ints.

        Returns:
          Two tensors `[k, n]`, in nats.
        """
        x = tf.convert_to_tensor(x, self.dtype)
        count = positive_int("num_samples", num_samples)
        z, log_q = self.encode(x).experimental_sample_and_log_prob(count, seed=_seed(seed))
        log_prior = self.prior.log_prob(tf.identity(z))
        return self.decode(z).log_prob(x), log_prior - log_q

    def elbo(self, x, *, num_samples=1, seed=0):
        """Returns an unbiased estimate of the ELBO, `[n]`, in nats; arguments as of `terms`."""
        return tf.reduce_mean(tf.add(*self.terms(x, num_samples=num_samples, seed=seed)), axis=0)

    def log_evidence(self, x, *, num_samples=100, seed=0):
        """Returns an importance-weighted estimate of log p(x), `[n]`, in nats.

        ```none
        log (1/k) sum_i p(x | z_i) p(z_i) / q(z_i | x),        z_i ~ q(z | x)
        ```

        On average it is below log p(x), and by less the more samples there are.

        Args:
          x: Data `[n, *event_shape]`.
          num_samples: Number of samples k for each; all are in memory at once.
          seed: Int, or a pair of ints.

        Reference:
          Burda, Grosse & Salakhutdinov (2016), Importance Weighted Autoencoders, equation 8.
        """
        weights = tf.add(*self.terms(x, num_samples=num_samples, seed=seed))
        return tf.reduce_logsumexp(weights, axis=0) - math.log(num_samples)

    def sample(self, num_samples, *, seed=0):
        """Returns images of pixel probabilities, the means of p(x | z), for z of the prior."""
        z = self.prior.sample(positive_int("num_samples", num_samples), seed=_seed(seed))
        return self.decode(z).mean()


def _check_prior(prior, posterior):
    if not isinstance(prior, tfd.Distribution):
        raise ValueError(f"prior must be a tfd.Distribution, got {prior!r}.")
    if prior.event_shape != posterior.event_shape:
        raise ValueError(
            f"The prior is on events {prior.event_shape}, the posterior on {posterior.event_shape}."
        )
    if prior.batch_shape.rank != 0:
        raise ValueError(f"The prior must be one, without a batch, got {prior.batch_shape}.")
    if prior.dtype != posterior.dtype:
        raise ValueError(
            f"The prior is of {prior.dtype.name}, the posterior of {posterior.dtype.name}."
        )


def _seed(seed):
    """Returns a seed of TensorFlow's stateless samplers, of an int or a pair of them."""
    if tf.is_tensor(seed):
        return seed
    if np.ndim(seed) == 0:
        return tf.constant([seed_number(seed), 0], tf.int32)
    if np.shape(seed) != (2,):
        raise ValueError(f"seed must be an int or a pair of ints, got {seed!r}.")
    return tf.constant([seed_number(number) for number in seed], tf.int32)
