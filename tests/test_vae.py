"""The variational autoencoder: its bound against a model whose evidence is known."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import flows, networks, training

tfd = tfp.distributions

RNG = np.random.default_rng(0)


class Linear(tf.Module):
    """x = A z + b."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = tf.constant(a), tf.constant(b)

    def __call__(self, z):
        return tf.linalg.matvec(self.a, z) + self.b


A = RNG.normal(size=[4, 2])
B = RNG.normal(size=[4])
NOISE = 0.7


def linear_vae(posterior, **options):
    """z ~ N(0, I), x = A z + b + NOISE e: log p(x) and p(z | x) are normal."""
    return flows.VAE(
        tf.identity,
        Linear(A, B),
        posterior,
        likelihood=lambda mean: tfd.MultivariateNormalDiag(mean, NOISE * tf.ones_like(mean)),
        event_shape=[4],
        **options,
    )


def evidence():
    covariance = A @ A.T + NOISE**2 * np.eye(4)
    return tfd.MultivariateNormalFullCovariance(B, covariance)


POSTERIORS = {
    "normal": lambda: flows.conditional_normal(2, 4, (8,), dtype=tf.float64),
    "planar": lambda: flows.planar(2, 3, context_size=4, dtype=tf.float64),
    "radial": lambda: flows.radial(2, 3, context_size=4, dtype=tf.float64),
    "iaf": lambda: flows.inverse_autoregressive(2, 2, (8,), context_size=4, dtype=tf.float64),
    "spline": lambda: flows.neural_spline(2, 2, 4, (8,), context_size=4, dtype=tf.float64),
}


@pytest.mark.parametrize("kind", POSTERIORS)
def test_the_bound_is_the_evidence_less_the_divergence(kind):
    """ELBO = log p(x) - KL(q || p(z | x)), with the exact posterior; log q cancels in it."""
    vae = linear_vae(POSTERIORS[kind]())
    for variable in vae.trainable_variables:
        variable.assign_add(0.2 * RNG.normal(size=variable.shape))
    x = evidence().sample(3, seed=0)
    covariance = np.linalg.inv(np.eye(2) + A.T @ A / NOISE**2)
    mean = (x - B) @ A @ covariance / NOISE**2
    exact = tfd.MultivariateNormalFullCovariance(mean, covariance)
    z, log_q = vae.encode(x).experimental_sample_and_log_prob(4000, seed=tf.constant([7, 0]))
    divergence = np.mean(log_q - exact.log_prob(z), axis=0)
    bound = vae.elbo(x, num_samples=4000, seed=7)  # the same samples: equal to the last digits
    np.testing.assert_allclose(bound, evidence().log_prob(x) - divergence, atol=1e-8)


@pytest.mark.parametrize("kind", POSTERIORS)
def test_the_mean_weight_is_the_evidence(kind):
    """E_q[p(x, z) / q(z | x)] = p(x) only if q integrates to 1: shows a wrong log-determinant."""
    vae = linear_vae(POSTERIORS[kind]())
    rng = np.random.default_rng(1)
    for variable in vae.trainable_variables:
        variable.assign(0.2 * rng.normal(size=variable.shape))
    # Near b, so that the exact posterior lies where q does and the weights do not run away.
    x = B + 0.2 * rng.normal(size=[3, 4])
    log_weights = tf.add(*vae.terms(x, num_samples=40_000, seed=1)) - evidence().log_prob(x)

    def mean_and_error(log_ratio):
        ratio = np.exp(log_ratio)
        return ratio.mean(axis=0), ratio.std(axis=0) / np.sqrt(len(ratio))

    mean, error = mean_and_error(log_weights)
    assert np.max(error) < 0.02
    assert np.all(np.abs(mean - 1) < 4 * error)
    # The same weights with the log-determinant's sign turned are far off: the check has power.
    posterior = vae.encode(x)
    z = posterior.sample(40_000, seed=tf.constant([1, 0]))
    base = posterior.distribution.log_prob(posterior.bijector.inverse(tf.identity(z)))
    log_det = base - posterior.log_prob(z)
    mean, error = mean_and_error(log_weights - 2 * log_det)
    assert np.all(np.abs(mean - 1) > 10 * error)


def test_importance_weights_find_the_evidence():
    vae = linear_vae(flows.conditional_normal(2, 4, (8,), dtype=tf.float64))
    x = evidence().sample(3, seed=0)
    true = evidence().log_prob(x)
    estimates = [np.mean(vae.log_evidence(x, num_samples=k, seed=1) - true) for k in (1, 20000)]
    assert estimates[0] < -0.5
    assert abs(estimates[1]) < 0.05


def test_fit_elbo_reaches_the_evidence_where_the_posterior_can():
    # A posterior that is normal with a full covariance: an affine autoregressive layer is exact.
    posterior = flows.inverse_autoregressive(2, 1, (), context_size=4, dtype=tf.float64)
    vae = linear_vae(posterior)
    x = evidence().sample(2000, seed=0).numpy()
    history = training.fit_elbo(
        vae, x, num_steps=1500, learning_rate=training.cosine_decay(1e-2, 1500), progress=False
    )
    assert history.stop_reason == "finished"
    gap = np.mean(evidence().log_prob(x) - vae.elbo(x, num_samples=50))
    assert -0.02 < gap < 0.05


SHAPE = (8, 8, 1)


def image_vae(**options):
    posterior = flows.planar(2, 2, context_size=8, hidden_units=())
    encoder = networks.Encoder(SHAPE, 8, (16,))
    return flows.VAE(encoder, networks.Decoder(2, SHAPE, (16,)), posterior, **options)


def pictures(count):
    """uint8 images [count, 8, 8, 1], the left or the right half bright."""
    left = RNG.integers(2, size=count)[:, np.newaxis, np.newaxis, np.newaxis]
    columns = np.indices(SHAPE)[1]
    bright = np.where(left == 1, columns < 4, columns >= 4)
    return np.where(bright, 230, 25).astype(np.uint8)


def test_images_are_binarized_validated_and_resumed(tmp_path):
    data = pictures(300)

    def run(num_steps, checkpoint=None):
        vae = image_vae()
        history = training.fit_elbo(
            vae, data, num_steps=num_steps, batch_size=32, learning_rate=3e-3, annealing_steps=20,
            validation_data=data[:50], validation_every=50, checkpoint=checkpoint,
            steps_per_call=25, progress=False,
        )  # fmt: skip
        return vae, history

    vae, history = run(300)
    path = tmp_path / "vae.npz"
    run(150, path)
    resumed, _ = run(300, path)
    for here, there in zip(vae.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(here, there)
    # Two kinds of picture, each pixel at 25 or 230 of 255: log 2 and the pixels' entropy.
    p = 25 / 255
    entropy = np.log(2) - 64 * (p * np.log(p) + (1 - p) * np.log(1 - p))
    assert history.loss[0] > 40
    assert entropy - 1.0 < history.validation_loss[-1] < entropy + 3.0
    samples = vae.sample(20, seed=3)
    assert samples.shape == [20, *SHAPE]
    assert np.all((samples >= 0) & (samples <= 1))


def test_a_flow_as_prior_is_trained_with_the_rest():
    prior = flows.real_nvp(2, 2, (8,))
    vae = image_vae(prior=prior)
    before = [v.numpy() for v in prior.trainable_variables]
    training.fit_elbo(vae, pictures(100), num_steps=20, batch_size=32, progress=False)
    after = [v.numpy() for v in prior.trainable_variables]
    assert any(np.any(a != b) for a, b in zip(after, before, strict=True))


def test_save_and_load(tmp_path):
    vae = image_vae()
    for variable in vae.trainable_variables:
        variable.assign_add(0.1 * tf.cast(RNG.normal(size=variable.shape), tf.float32))
    flows.save(vae, tmp_path / "vae.npz")
    other = flows.load(image_vae(), tmp_path / "vae.npz")
    np.testing.assert_array_equal(
        other.elbo(np.zeros([2, *SHAPE])), vae.elbo(np.zeros([2, *SHAPE]))
    )


def test_what_is_refused():
    encoder, decoder = networks.Encoder(SHAPE, 8), networks.Decoder(2, SHAPE)
    posterior = flows.conditional_normal(2, 8)
    with pytest.raises(ValueError, match="posterior must be a ConditionalFlow, got"):
        flows.VAE(encoder, decoder, flows.planar(2))
    with pytest.raises(ValueError, match=r"prior is on events \(3,\), the posterior on \(2,\)"):
        flows.VAE(encoder, decoder, posterior, prior=flows.planar(3))
    for prior, message in (
        ("normal", "must be a tfd.Distribution, got 'normal'"),
        (tfd.MultivariateNormalDiag(np.zeros([4, 2], np.float32)), r"without a batch, got \(4,\)"),
        (tfd.MultivariateNormalDiag(np.zeros([2])), "is of float64, the posterior of float32"),
    ):
        with pytest.raises(ValueError, match=message):
            flows.VAE(encoder, decoder, posterior, prior=prior)
    with pytest.raises(ValueError, match="give event_shape"):
        flows.VAE(tf.identity, decoder, posterior)
    with pytest.raises(
        ValueError, match=r"decoder takes vectors of 3 numbers, got shape \(1, 5, 2\)"
    ):
        flows.VAE(encoder, networks.Decoder(3, SHAPE), posterior).elbo(pictures(5))
    for seed in (0.5, "a", None, [1, 2, 3], -1):
        with pytest.raises(ValueError, match="seed must"):
            flows.VAE(encoder, decoder, posterior).elbo(pictures(5), seed=seed)
    with pytest.raises(ValueError, match="latent_size must be at least 1, got -2"):
        networks.Decoder(-2, SHAPE)
    with pytest.raises(ValueError, match=r"takes images \(8, 8, 1\), got shape \(2, 9, 9, 1\)"):
        flows.VAE(encoder, decoder, posterior).elbo(np.zeros([2, 9, 9, 1]))
    with pytest.raises(ValueError, match=r"image_shape must be .* got"):
        networks.Encoder((8, 8), 3)
    with pytest.raises(ValueError, match=r"vae must be a flows\.VAE, got"):
        training.fit_elbo(posterior, pictures(10))
    with pytest.raises(ValueError, match="data must have shape"):
        training.fit_elbo(flows.VAE(encoder, decoder, posterior), np.zeros([10, 9, 9, 1]))
