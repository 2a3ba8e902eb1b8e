"""Flows that depend on a context: one density for each, exact, trained, saved and loaded."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from jacobians import image_and_log_det

from normflows_tut import bijectors, flows, networks, training

tfb, tfd = tfp.bijectors, tfp.distributions

RNG = np.random.default_rng(0)
CONTEXT = RNG.normal(size=[5, 2])


def _normal(event_size, num_layers, **options):
    return flows.conditional_normal(event_size, **options)


FACTORIES = {
    "normal": _normal,
    "planar": flows.planar,
    "radial": flows.radial,
    "real_nvp": functools.partial(flows.real_nvp, act_norm=True),
    "neural_spline": flows.neural_spline,
    "neural_spline, autoregressive": functools.partial(flows.neural_spline, autoregressive=True),
    "masked_autoregressive": flows.masked_autoregressive,
    "inverse_autoregressive": flows.inverse_autoregressive,
    "neural_autoregressive": flows.neural_autoregressive,
}
each_flow = pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)


def shaken(flow, scale=0.1, seed=1):
    rng = np.random.default_rng(seed)
    for variable in flow.trainable_variables:
        variable.assign_add(tf.cast(scale * rng.normal(size=variable.shape), variable.dtype))
    return flow


@each_flow
def test_every_context_has_a_flow_of_its_own(factory):
    conditional = shaken(factory(3, 2, context_size=2, dtype=tf.float64))
    conditional.standardise_context.initialize(3.0 + 2.0 * CONTEXT)
    together = conditional(CONTEXT)
    assert (together.batch_shape, together.event_shape) == ([5], [3])
    x = together.sample(4, seed=1)
    assert x.shape == [4, 5, 3]
    densities = together.log_prob(tf.identity(x))
    assert np.ptp(densities[0]) > 0.1
    for i, context in enumerate(CONTEXT):
        alone = conditional(context)
        np.testing.assert_allclose(alone.log_prob(x[:, i]), densities[:, i], rtol=0, atol=1e-9)
    # One point, seen from every context.
    np.testing.assert_allclose(
        together.log_prob(x[0, 0]),
        together.log_prob(tf.tile(x[:1, :1], [1, 5, 1]))[0],
        rtol=0,
        atol=1e-12,
    )


@each_flow
def test_density_is_that_of_the_samples(factory):
    flow = shaken(factory(3, 2, context_size=2, dtype=tf.float64))(CONTEXT)
    z = tf.constant(RNG.normal(size=[5, 3]))
    x, log_det = image_and_log_det(flow.bijector.forward, z)
    expected = flow.distribution.log_prob(z) - log_det
    np.testing.assert_allclose(flow.log_prob(tf.identity(x)), expected, rtol=0, atol=1e-9)
    y, log_q = flow.experimental_sample_and_log_prob(6, seed=0)
    np.testing.assert_allclose(flow.log_prob(tf.identity(y)), log_q, rtol=0, atol=1e-8)


@each_flow
def test_every_variable_matters_and_is_tracked(factory):
    conditional = shaken(factory(2, 2, context_size=2, dtype=tf.float64))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(conditional(CONTEXT).log_prob(RNG.normal(size=[5, 2])))
    gradients = tape.gradient(loss, conditional.trainable_variables)
    assert all(g is not None and np.any(g != 0) for g in gradients)
    tracked = {id(v) for v in conditional.trainable_variables}
    assert {id(v) for v in tape.watched_variables()} == tracked


@each_flow
def test_save_and_load(factory, tmp_path):
    conditional = shaken(factory(2, 2, context_size=2))
    conditional.standardise_context.initialize(CONTEXT + 1.0)
    flows.save(conditional, tmp_path / "flow.npz")
    other = flows.load(factory(2, 2, context_size=2, seed=5), tmp_path / "flow.npz")
    x = tf.constant(RNG.normal(size=[5, 2]), tf.float32)
    np.testing.assert_array_equal(
        other(CONTEXT).log_prob(x), conditional(CONTEXT).log_prob(tf.identity(x))
    )


@pytest.mark.parametrize("name", ["real_nvp", "inverse_autoregressive", "planar"])
def test_it_is_served_without_this_package(name, tmp_path):
    conditional = shaken(FACTORIES[name](2, 2, context_size=2))
    flows.export(conditional, tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    context = tf.constant(CONTEXT, tf.float32)
    x = served.sample(tf.constant(3), context, tf.constant([0, 1]))
    assert x.shape == [3, 5, 2]
    np.testing.assert_allclose(
        served.log_prob(x[0], context), conditional(context).log_prob(x[0]), rtol=0, atol=1e-4
    )


def test_the_context_is_standardised():
    conditional = shaken(flows.real_nvp(2, 2, (8,), context_size=2, dtype=tf.float64))
    x = RNG.normal(size=[5, 2])
    before = conditional(CONTEXT).log_prob(x)
    moved = 100.0 + 7.0 * CONTEXT
    conditional.standardise_context.initialize(moved)
    mean, deviation = CONTEXT.mean(axis=0), CONTEXT.std(axis=0)
    after = conditional(100.0 + 7.0 * (CONTEXT * deviation + mean)).log_prob(x)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-9)


def exact_posterior(x, noise):
    """theta ~ N(0, 1), x = theta + noise e: the posterior is normal."""
    precision = 1.0 + 1.0 / noise**2
    return tfd.Normal(x / noise**2 / precision, precision**-0.5)


def test_fit_finds_a_known_posterior():
    theta = RNG.normal(size=[20_000, 1])
    x = 50.0 + 10.0 * (theta + 0.5 * RNG.normal(size=theta.shape))  # in other units
    posterior = flows.masked_autoregressive(1, 1, (16,), context_size=1)
    rate = training.cosine_decay(1e-2, 1500)
    history = training.fit(
        posterior, theta, context=x, num_steps=1500, learning_rate=rate, progress=False
    )
    observed = 50.0 + 10.0 * np.linspace(-2, 2, 9, dtype=np.float32)[:, np.newaxis]
    exact = exact_posterior((observed[:, 0] - 50.0) / 10.0, 0.5)
    sample = exact.sample(2000, seed=0)
    q = posterior(observed).log_prob(sample[..., tf.newaxis])
    assert np.mean(exact.log_prob(sample) - q) < 0.005
    np.testing.assert_allclose(posterior.standardise_context.shift, x.mean(axis=0), rtol=1e-5)
    assert history.stop_reason == "finished"


def test_fit_with_a_context_resumes_validates_and_repeats(tmp_path):
    theta = RNG.normal(size=[64, 2])
    x = theta + RNG.normal(size=[64, 2])

    def run(num_steps, checkpoint=None, context=x):
        flow = flows.real_nvp(2, 2, (8,), context_size=2)
        history = training.fit(
            flow, theta, context=context, num_steps=num_steps, batch_size=16,
            validation_data=theta, validation_context=x, validation_every=5,
            checkpoint=checkpoint, steps_per_call=5, jit_compile=True, progress=False,
        )  # fmt: skip
        return flow, history

    whole, history = run(20)
    path = tmp_path / "run.npz"
    run(10, path)
    resumed, _ = run(20, path)
    for here, there in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(here, there)
    measured = -np.mean(whole(x).log_prob(theta.astype(np.float32)))
    assert history.validation_loss[-1] == pytest.approx(measured, rel=1e-5)
    with pytest.raises(ValueError, match="was written with context"):
        run(20, path, context=x + 1.0)


def stripes(count):
    """Images [count, 8, 8, 1] of horizontal (label 0) or vertical (1) stripes, and their labels."""
    rows, columns = np.indices((8, 8))
    label = RNG.integers(2, size=count)
    phase = RNG.uniform(0, 6, size=[count, 1, 1])
    where = np.where(label[:, np.newaxis, np.newaxis] == 1, columns, rows)
    wave = 128 + 90 * np.sin(where + phase) + RNG.normal(scale=5, size=[count, 8, 8])
    return np.clip(wave, 0, 255).astype(np.uint8)[..., np.newaxis], np.eye(2)[label]


@pytest.mark.parametrize("build", [flows.glow, flows.multiscale_real_nvp])
def test_images_given_a_class(build):
    images, labels = stripes(2000)
    per_level = {"num_steps": 2} if build is flows.glow else {"num_couplings": 1}
    flow = build((8, 8, 1), **per_level, hidden_channels=8, num_blocks=1, context_size=2)
    flow = flows.append(flow, flows.pixel_range(), flows.dequantization())
    training.fit(
        flow, images, context=labels, num_steps=150, batch_size=64, learning_rate=3e-3,
        clip_norm=100.0, progress=False,
    )  # fmt: skip
    fresh, true = stripes(200)
    x = tf.constant(fresh + 0.5, tf.float32)
    gain = flow(true).log_prob(x) - flow(1.0 - true).log_prob(tf.identity(x))
    assert np.mean(gain) > 0.3
    assert flow(np.eye(2)).sample(3, seed=0).shape == [3, 2, 8, 8, 1]
    # One image, seen from every class; and in a graph that does not know how many.
    each = [flow(label).log_prob(tf.identity(x[0])) for label in np.eye(2)]
    np.testing.assert_allclose(flow(np.eye(2)).log_prob(x[0]), each, rtol=1e-5)
    spec = tf.TensorSpec([None, 2], tf.float32)
    log_prob = tf.function(lambda c: flow(c).log_prob(tf.identity(x[0])), input_signature=[spec])
    np.testing.assert_allclose(log_prob(np.eye(2, dtype=np.float32)), each, rtol=1e-5)
    # One z, to an image of each class.
    bijector = flow.bijector_given(np.eye(2))
    z = tf.constant(RNG.normal(size=[64]), tf.float32)
    both = bijector.forward(z)
    one_by_one = [flow.bijector_given(label).forward(z) for label in np.eye(2)]
    np.testing.assert_allclose(both, one_by_one, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"broadcast, got \(3,\) and \(2,\)"):
        flow(np.eye(2)).log_prob(x[:3])


def test_a_hand_made_layer_takes_a_context_like_any_tfp_bijector():
    network = networks.MLP(1, 4, context_size=2, zero_last=False, dtype=tf.float64)
    layer = bijectors.AffineCoupling(3, network, dtype=tf.float64)
    x = tf.constant(RNG.normal(size=[5, 3]))
    y = layer.forward(x, context=CONTEXT)
    np.testing.assert_allclose(
        layer.inverse(tf.identity(y), context=CONTEXT), x, rtol=0, atol=1e-12
    )
    s, t = layer.log_scale_and_shift(x[:, :1], tf.constant(CONTEXT))
    np.testing.assert_allclose(y[:, 1:], x[:, 1:] * np.exp(s) + t)
    bound = bijectors.given(tfb.Invert(tfb.Chain([tfb.Exp(), layer])), CONTEXT)
    np.testing.assert_allclose(bound.inverse(x), np.exp(y), rtol=0, atol=1e-12)


def test_planar_parameters_of_each_point():
    u, w, b = RNG.normal(size=[4, 2]), RNG.normal(size=[4, 2]), RNG.normal(size=[4])
    z = RNG.normal(size=[4, 2])
    raw = tf.constant(np.concatenate([u, w, b[:, np.newaxis]], axis=1))
    together = bijectors.Planar(2, raw=raw, dtype=tf.float64)
    assert not together.variables
    for i in range(4):
        alone = bijectors.Planar(2, u=u[i], w=w[i], b=b[i], dtype=tf.float64)
        np.testing.assert_allclose(together.forward(z)[i], alone.forward(z[i]), rtol=0, atol=1e-14)
        np.testing.assert_allclose(together.inverse(z)[i], alone.inverse(z[i]), rtol=0, atol=1e-12)


def test_a_context_of_a_size_that_the_graph_does_not_know():
    flow = shaken(make(context_size=2))
    x = tf.constant(RNG.normal(size=[5, 2]), tf.float32)
    unknown = tf.TensorSpec([None, None], tf.float32)
    log_prob = tf.function(lambda c: flow(c).log_prob(x), input_signature=[unknown])
    context = tf.constant(CONTEXT, tf.float32)
    np.testing.assert_allclose(log_prob(context), flow(context).log_prob(x), rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError):
        log_prob(context[:, :1])


def test_classes_may_be_whole_numbers():
    flow, x = shaken(make(context_size=2)), RNG.normal(size=[2, 2]).astype(np.float32)
    for eye in (np.eye(2, dtype=int), tf.eye(2, dtype=tf.int32), tf.eye(2, dtype=tf.float64)):
        np.testing.assert_array_equal(flow(eye).log_prob(x), flow(np.eye(2)).log_prob(x))


def make(**options):
    return flows.real_nvp(2, 2, (8,), **options)


def shift():
    """A hand-made layer that takes a context."""
    return bijectors.Conditional(2, networks.MLP(3, 5), lambda raw: bijectors.Planar(2, raw=raw))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make(context_size=-1), "context_size must not be negative, got -1"),
        (lambda: flows.conditional_normal(2, 0), "must be at least 1, got 0"),
        (lambda: make(context_size=3)(np.zeros([4, 2])), r"of 3 numbers, got shape \(4, 2\)"),
        (lambda: flows.planar(2, context_size=-1), "context_size must not be negative, got -1"),
        (lambda: make(context_size=3)(1.0), r"must have shape \[..., c\], got 1.0"),
        (lambda: make(context_size=3)("a"), "must be float32 numbers, got 'a'"),
        (lambda: make(context_size=3).template.log_prob(np.zeros([1, 2], np.float32)),
         "depends on a context, and none was given"),
        (lambda: bijectors.Planar(2).forward(np.zeros([1, 2], np.float32), context=[[1.0]]),
         r"takes no context, got one of shape \(1, 1\)"),
        (lambda: networks.MLP(2, 1, context_size=3)(tf.zeros([1, 2])), "context of width 3, got 0"),
        (lambda: networks.MLP(2, 1)(tf.zeros([1, 2]), tf.zeros([1, 4])), "of width 0, got 4"),
        (lambda: networks.ConvNet(1, 1, context_size=2)(tf.zeros([1, 4, 4, 1])), "width 2, got 0"),
        (lambda: bijectors.Planar(2, raw=tf.zeros([4, 3])), r"shape \[..., 5\], got \(4, 3\)"),
        (lambda: training.fit(make(context_size=3), np.zeros([4, 2])),
         r"depends on a context of 3 numbers: give context, an array \[4, 3\]"),
        (lambda: training.fit(make(), np.zeros([4, 2]), context=np.zeros([4, 3])),
         r"takes no context, got context of shape \[4, 3\]"),
        (lambda: training.fit(make(context_size=3), np.zeros([4, 2]), context=np.zeros([5, 3])),
         "row for each of 4 points, got 5"),
        (lambda: training.fit(make(context_size=3), np.zeros([4, 2]), context=np.zeros([4, 2])),
         "context must have 3 columns|context.*got"),
        (lambda: flows.ConditionalFlow(make(), 2), "No layer of real_nvp takes a context"),
        (lambda: flows.ConditionalFlow(3, 2), "must be a tfd.TransformedDistribution, got 3"),
        (lambda: bijectors.given(tfb.Exp(), [[1.0]]), "exp has no layer that takes a context"),
        (lambda: bijectors.given(make(context_size=2), [[1.0]]), "tfb.Bijector, got <.*flow"),
        (lambda: bijectors.given(make(context_size=2).template, [[1.0]]), "Give its bijector"),
        (lambda: bijectors.given(None, [[1.0]]), "must be a tfb.Bijector, got None"),
        (lambda: bijectors.given(shift(), None), "must be float32 numbers, got None"),
        (lambda: bijectors.given(shift(), "a"), "must be float32 numbers, got 'a'"),
        (lambda: bijectors.given(shift(), 1.0), r"must have shape \[..., c\], got 1.0"),
        (lambda: shift().forward([[1.0, 2.0]], context="a"), "must be float32 numbers, got 'a'"),
        (lambda: make(context_size=3)([[np.nan, 0, 0]]), r"must be finite, got \[\[nan"),
        (lambda: make(context_size=3)([[np.inf, 0, 0]]), r"must be finite, got \[\[inf"),
        (lambda: make(context_size=3)(np.zeros([5, 3])).log_prob(np.zeros([6, 2], np.float32)),
         r"must have leading dimensions that can be broadcast, got \(6,\) and \(5,\)"),
        (lambda: bijectors.Conditional(1, 3, len), "conditioner must be callable, got 3"),
        (lambda: bijectors.Conditional(1, networks.MLP(1, 1), 4), "transform must be"),
        (lambda: bijectors.Conditional(1, keras.Sequential([keras.layers.Dense(2)]), len),
         "which is no tf.Module"),
        (lambda: make(context_size=True), "context_size must be a whole number, got True"),
        (lambda: training.fit(make(context_size=1), np.zeros([4, 2]), context=np.zeros([4])),
         r"must have shape \[n, d\], got shape \[4\]. For one number a row: context\[:, None\]"),
        (lambda: training.fit_reverse_kl(make(context_size=3), lambda x: x[:, 0]),
         "without context, got a ConditionalFlow"),
    ],
)  # fmt: skip
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_flow_without_its_context_says_what_to_give():
    flow = make(context_size=3)
    with pytest.raises(AttributeError, match=r"context of 3 numbers: flow\(context\).log_prob"):
        flow.log_prob(np.zeros([4, 2]))
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = flow.colour
