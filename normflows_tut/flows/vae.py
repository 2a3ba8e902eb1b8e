"""The variational autoencoder: flows on its latent side."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut._checks import positive_int, positive_ints, seed_number
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
      decoder: Callable from latents `[..., d]` to what `likelihood` takes; a `tf.Module`. Both are
        called once here, on zeros, to see that the parts fit together.
      posterior: A `ConditionalFlow` on `[d]` that takes contexts of c numbers.
      prior: A distribution on `[d]`; None for the standard normal. A flow is trained with the rest.
      likelihood: Callable from what the decoder returns to a `tfd.Distribution` on the data, with
        events of `event_shape`. The one that is the default takes pixels in [0, 1].
      event_shape: Shape of one data point; None for the `image_shape` of the encoder.
      name: Name of the model.

    Raises:
      ValueError: The posterior is no `ConditionalFlow`; the prior is no distribution, has a batch,
        another dtype, or other events; the shape of the data is not known; or what one part
        returns is not what the next takes.

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
        parts = {"encoder": encoder, "decoder": decoder, "likelihood": likelihood}
        for part, value in parts.items():
            if not callable(value):
                raise ValueError(f"{part} must be callable, got {value!r}.")
        self.encoder, self.decoder, self.posterior = encoder, decoder, posterior
        self.prior, self.likelihood = prior, likelihood
        shape = encoder.image_shape if event_shape is None else event_shape
        self._event_shape = tf.TensorShape(positive_ints("event_shape", shape))
        self._try()

    def _try(self):
        """Raises a ValueError unless the parts fit together, tried on zeros."""
        contexts = _returned("encoder", self.encoder, tf.zeros([2, *self.event_shape], self.dtype))
        wanted = [2, self.posterior.context_size]
        if not tf.is_tensor(contexts) or contexts.shape != wanted or contexts.dtype != self.dtype:
            raise ValueError(
                f"The posterior takes contexts of shape {wanted} and {self.dtype.name} for two "
                f"data, got {_described(contexts)} from the encoder."
            )
        z = tf.zeros([2, *self.posterior.event_shape], self.dtype)
        decoded = _returned("decoder", self.decoder, z)
        _check_likelihood(_returned("likelihood", self.likelihood, decoded), self.event_shape, z)

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
        return self.posterior(self.encoder(self._checked(x)))

    def decode(self, z):
        """Returns p(x | z), a `tfd.Distribution` whose batch is that of `z`."""
        z = tf.cast(z, self.dtype)
        distribution = self.likelihood(self.decoder(z))
        _check_likelihood(distribution, self.event_shape, z)
        return distribution

    def _checked(self, x):
        """Returns data as numbers of this dtype; outside of a graph, their values are checked."""
        dtype = getattr(x, "dtype", None)
        if dtype is not None and dtype == np.uint8:
            raise ValueError(
                "x is of uint8, which only training.fit_elbo takes: it makes zeros and ones of it. "
                "Give these, or x / 255."
            )
        try:
            x = tf.cast(x, self.dtype)
        except (TypeError, ValueError, tf.errors.UnimplementedError):
            raise ValueError(f"x must be numbers, got {x!r}.") from None
        if not x.shape[-self.event_shape.rank :].is_compatible_with(self.event_shape):
            raise ValueError(f"x must have shape [n, {_inside(self.event_shape)}], got {x.shape}.")
        if not tf.is_symbolic_tensor(x):
            if not np.isfinite(x).all():
                raise ValueError("x must be finite, but holds a NaN or an infinity.")
            self.refuse_values("x", x.numpy())
        return x

    def refuse_values(self, name, data):
        """Raises a ValueError if the likelihood is that of pixels in [0, 1] and `data` are not."""
        if self.likelihood is bernoulli and data.size and (data.min() < 0 or data.max() > 1):
            raise ValueError(
                f"The likelihood is of pixels in [0, 1], but {name} has values from "
                f"{data.min()!s} to {data.max()!s}."
            )

    def terms(self, x, *, num_samples=1, seed=0):
        """Returns log p(x | z) and log p(z) - log q(z | x) for samples z of q(z | x).

        Args:
          x: Data `[n, *event_shape]`, not of uint8: zeros and ones or other numbers in [0, 1] for
            the default likelihood.
          num_samples: Number of samples k for each.
          seed: Int, or a pair of ints.

        Returns:
          Two tensors `[k, n]`, in nats.
        """
        x = self._checked(x)
        count = positive_int("num_samples", num_samples)
        posterior = self.posterior(self.encoder(x))
        z, log_q = posterior.experimental_sample_and_log_prob(count, seed=_seed(seed))
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


def _check_likelihood(distribution, event_shape, z):
    """Refuses a p(x | z) whose log_prob would be broadcast, or not summed over a datum."""
    if not isinstance(distribution, tfd.Distribution):
        raise ValueError(f"likelihood must return a tfd.Distribution, got {distribution!r}.")
    event, batch = distribution.event_shape, distribution.batch_shape
    if event.is_compatible_with(event_shape) and batch.is_compatible_with(z.shape[:-1]):
        return
    hint = " Use tfd.Independent." if event.rank < event_shape.rank else ""
    raise ValueError(
        f"likelihood must return a distribution on events {event_shape} with the batch "
        f"{z.shape[:-1]} of the latents; got events {event} and batch {batch}.{hint}"
    )


def _returned(part, function, *args):
    """Returns what a part makes of zeros; a ValueError says which one it was that failed."""
    try:
        return function(*args)
    except (AttributeError, TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
        given = ", ".join(map(_described, args))
        raise ValueError(f"The {part} failed on {given}: {error}") from error


def _described(value):
    """Returns shape and dtype of a tensor in words, other things as they print."""
    return f"shape {value.shape} and {value.dtype.name}" if tf.is_tensor(value) else repr(value)


def _inside(shape):
    return ", ".join(map(str, shape))


def _seed(seed):
    """Returns a seed of TensorFlow's stateless samplers, of an int or a pair of them."""
    if tf.is_tensor(seed) and seed.dtype.is_integer and seed.shape in ([], [2]):
        return seed if seed.shape == [2] else tf.stack([seed, tf.zeros_like(seed)])
    if np.ndim(seed) == 0:
        return tf.constant([seed_number(seed), 0], tf.int32)
    if np.shape(seed) != (2,):
        raise ValueError(f"seed must be an int or a pair of ints, got {seed!r}.")
    return tf.constant([seed_number(number) for number in seed], tf.int32)
