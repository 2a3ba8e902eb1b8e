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
    np.testing.assert_allclose(bound, evidence().log_prob(x) - divergence, rtol=0, atol=1e-8)


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
            steps_per_call=25, jit_compile=True, progress=False,
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


def of(mean):
    """A likelihood on vectors."""
    return tfd.MultivariateNormalDiag(mean)


def parts(**changed):
    encoder, decoder = networks.Encoder(SHAPE, 8), networks.Decoder(2, SHAPE)
    return {"encoder": encoder, "decoder": decoder, "posterior": NORMAL} | changed


NORMAL = flows.conditional_normal(2, 8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"posterior": flows.planar(2)}, "posterior must be a ConditionalFlow, got"),
        ({"prior": flows.planar(3)}, r"prior is on events \(3,\), the posterior on \(2,\)"),
        ({"prior": "normal"}, "must be a tfd.Distribution, got 'normal'"),
        ({"prior": of(np.zeros([4, 2], np.float32))}, r"without a batch, got \(4,\)"),
        ({"prior": of(np.zeros([2]))}, "is of float64, the posterior of float32"),
        ({"encoder": tf.identity}, "give event_shape"),
        ({"encoder": None, "event_shape": SHAPE}, "encoder must be callable, got None"),
        ({"decoder": None}, "decoder must be callable, got None"),
        ({"likelihood": None}, "likelihood must be callable, got None"),
        ({"event_shape": "a"}, "event_shape must be a sequence of whole numbers, got 'a'"),
        ({"event_shape": (-1, 8, 1)}, "event_shape must be at least 1, got -1"),
        ({"event_shape": (9, 9, 1)}, r"encoder failed on shape \(2, 9, 9, 1\)"),
        (
            {"encoder": networks.Encoder(SHAPE, 5)},
            r"contexts of shape \[2, 8\].*got shape \(2, 5\)",
        ),
        (
            {"encoder": networks.Encoder(SHAPE, 8, dtype=tf.float64)},
            "encoder failed on|of shape .* and float32 .* float64",
        ),
        ({"encoder": lambda x: "a", "event_shape": SHAPE}, "got 'a' from the encoder"),
        ({"decoder": networks.Decoder(3, SHAPE)}, r"decoder failed on shape \(2, 2\)"),
        ({"decoder": lambda z: "a"}, "likelihood failed on 'a'"),
        # These were broadcast, and trained on another loss.
        (
            {"decoder": networks.Decoder(2, (8, 8, 3))},
            r"events \(8, 8, 1\).*got events \(8, 8, 3\)",
        ),
        (
            {"decoder": networks.Decoder(2, (1, 1, 1))},
            r"events \(8, 8, 1\).*got events \(1, 1, 1\)",
        ),
        (
            {"likelihood": lambda logits: tfd.Bernoulli(logits=logits)},
            r"got events \(\) and batch \(2, 8, 8, 1\). Use tfd.Independent",
        ),
        ({"decoder": lambda z: tf.zeros([1, *SHAPE])}, r"got events \(8, 8, 1\) and batch \(1,\)"),
        ({"likelihood": lambda logits: logits}, "must return a tfd.Distribution, got"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        flows.VAE(**parts(**changed))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (pictures(5), "uint8, which only training.fit_elbo takes"),
        (pictures(5).astype(np.float32), r"\[0, 1\], but x has values from 25.0 to 230.0"),
        (np.full([5, *SHAPE], -0.5), r"\[0, 1\], but x has values from -0.5 to -0.5"),
        (np.full([5, *SHAPE], np.nan), "x must be finite"),
        (np.zeros([2, 9, 9, 1]), r"x must have shape \[n, 8, 8, 1\], got \(2, 9, 9, 1\)"),
        ("a", "x must be numbers"),
        (None, "x must be numbers"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, message):
    vae = flows.VAE(**parts())
    for method in (vae.elbo, vae.terms, vae.log_evidence, vae.encode):
        with pytest.raises(ValueError, match=message):
            method(x)


def test_numbers_of_any_kind_are_taken():
    vae, zeros = flows.VAE(**parts()), np.zeros([5, *SHAPE], np.float32)
    expected = vae.elbo(zeros, seed=3)
    for x in (zeros.astype(np.float64), tf.zeros([5, *SHAPE], tf.float64), zeros.astype(int)):
        np.testing.assert_array_equal(vae.elbo(x, seed=3), expected)
    np.testing.assert_array_equal(vae.elbo(zeros, seed=tf.constant(3)), expected)
    np.testing.assert_array_equal(tf.function(vae.elbo)(zeros, seed=tf.constant(3)), expected)
    for seed in (0.5, "a", None, [1, 2, 3], -1, tf.constant(0.5), tf.zeros([3], tf.int32)):
        with pytest.raises(ValueError, match="seed must"):
            vae.elbo(zeros, seed=seed)


def test_a_run_that_makes_no_sense_is_refused():
    vae = flows.VAE(**parts())
    for data, options, message in (
        (np.zeros([10, 9, 9, 1]), {}, "data must have shape"),
        (np.full([10, *SHAPE], 25.0), {}, r"\[0, 1\], but data has values from 25.0 to 25.0"),
        (
            pictures(10),
            {"validation_data": np.full([10, *SHAPE], -1.0)},
            "validation_data has values from -1.0",
        ),
        (pictures(10), {"patience": 3}, "patience=3 needs validation_data"),
        (pictures(10), {"validation_every": -2}, "validation_every must be at least 1, got -2"),
    ):
        with pytest.raises(ValueError, match=message):
            training.fit_elbo(vae, data, **options, progress=False)
    with pytest.raises(ValueError, match=r"vae must be a flows\.VAE, got"):
        training.fit_elbo(NORMAL, pictures(10))
    with pytest.raises(ValueError, match="latent_size must be at least 1, got -2"):
        networks.Decoder(-2, SHAPE)
    with pytest.raises(ValueError, match=r"image_shape must be .* got"):
        networks.Encoder((8, 8), 3)
