"""Image flows: shapes, exactness, training on whole numbers, bits per dimension."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import _noise, bijectors, evaluation, flows, networks, training
from normflows_tut.flows.levels import halvings

tfb, tfd = tfp.bijectors, tfp.distributions

RNG = np.random.default_rng(0)


def stripes(count):
    """Images [count, 8, 8, 1] of dark and bright stripes at a random angle, 0 to 255."""
    rows, columns = np.indices((8, 8))
    angle, phase = RNG.uniform(0, np.pi, size=[2, count, 1, 1])
    wave = np.sin(rows * np.cos(angle) + columns * np.sin(angle) + 2 * phase)
    noise = RNG.normal(scale=5, size=wave.shape)
    return np.clip(128 + 90 * wave + noise, 0, 255).astype(np.uint8)[..., np.newaxis]


def small(dtype=tf.float32, **options):
    settings = {"num_couplings": 2, "hidden_channels": 8, "num_blocks": 1} | options
    return flows.multiscale_real_nvp((8, 8, 1), **settings, dtype=dtype)


def shaken(flow, scale=0.1):
    """The flow with weights that are anything but zero."""
    for variable in flow.trainable_variables:
        variable.assign_add(scale * RNG.normal(size=variable.shape))
    return flow


def small_spline(dtype=tf.float32, **options):
    settings = {"num_couplings": 1, "hidden_channels": 8, "num_blocks": 1} | options
    return flows.multiscale_neural_spline((8, 8, 1), **settings, dtype=dtype)


def small_glow(dtype=tf.float32, **options):
    settings = {"num_steps": 2, "hidden_channels": 8, "num_blocks": 1} | options
    return flows.glow((8, 8, 1), **settings, dtype=dtype)


small_glow_qr = functools.partial(small_glow, parametrization="qr")
small_glow_splines = functools.partial(
    small_glow, transform="spline", parametrization="householder"
)


# For splines less: steep ones, of raw parameters beyond 1, lose digits on the way back.
@pytest.mark.parametrize(
    ("build", "scale"),
    [
        (functools.partial(small, num_couplings=1), 0.1),
        (functools.partial(small_spline, num_couplings=1), 0.02),
        (small_glow, 0.1),
        (small_glow_qr, 0.1),
        (small_glow_splines, 0.02),
    ],
)
def test_it_is_a_flow(build, scale):
    flow = shaken(build(tf.float64), scale)
    x = RNG.normal(size=[3, 8, 8, 1])
    assert flow.event_shape == [8, 8, 1]
    z = flow.bijector.inverse(tf.constant(x))
    np.testing.assert_allclose(flow.bijector.forward(tf.identity(z)), x, rtol=0, atol=1e-10)
    with tf.GradientTape(persistent=True) as tape:
        y = tf.constant(x)
        tape.watch(y)
        z = flow.bijector.inverse(tf.identity(y))
        columns = tf.unstack(z, axis=-1)
    rows = [tf.reshape(tape.gradient(column, y), [3, 64]) for column in columns]
    _, expected = np.linalg.slogdet(np.stack(rows, axis=1))
    claimed = flow.bijector.inverse_log_det_jacobian(tf.constant(x), event_ndims=3)
    np.testing.assert_allclose(claimed, expected, rtol=0, atol=1e-9)
    log_prob = flow.log_prob(tf.constant(x))
    normal = -0.5 * np.sum(z**2, axis=-1) - 32 * np.log(2 * np.pi)
    np.testing.assert_allclose(log_prob, normal + expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("build", "atol"), [(small, 0), (small_spline, 1e-12)])
def test_it_starts_as_a_permutation_of_pixels(build, atol):
    flow = build(tf.float64)
    x = RNG.normal(size=[2, 8, 8, 1])
    z = flow.bijector.inverse(tf.constant(x))
    np.testing.assert_allclose(np.sort(z), np.sort(x.reshape(2, -1)), rtol=0, atol=atol)


def test_every_pixel_changes_and_depends_on_all_others():
    flow = shaken(small(tf.float64, num_couplings=4, num_blocks=2))
    x = tf.constant(RNG.normal(size=[1, 8, 8, 1]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = flow.bijector.inverse(x)
    jacobian = tape.jacobian(z, x).numpy().reshape(64, 64)
    deep = jacobian[:32]  # what all levels have worked on
    assert np.count_nonzero(deep) == deep.size


@pytest.mark.parametrize(
    ("shape", "levels"),
    [((28, 28, 1), 2), ((32, 32, 3), 3), ((64, 64, 3), 4), ((8, 8, 1), 1), ((24, 12, 1), 1)],
)
def test_the_number_of_levels_fits_the_shape(shape, levels):
    assert halvings(shape) == levels
    flow = flows.multiscale_real_nvp(shape, num_couplings=1, hidden_channels=2, num_blocks=0)
    assert len(flow.bijector.levels) == levels
    assert flow.sample(2, seed=1).shape == [2, *shape]


def test_sizes_that_do_not_fit_say_what_would():
    with pytest.raises(ValueError, match=r"1 level needs .*got 25 x 25; 24 x 24 would fit"):
        flows.multiscale_real_nvp((25, 25, 1))
    with pytest.raises(ValueError, match=r"3 levels need .*got 28 x 28; 32 x 32 would fit"):
        flows.multiscale_real_nvp((28, 28, 1), num_levels=3)
    with pytest.raises(ValueError, match=r"must be \(height, width, channels\), got \(28, 28\)"):
        flows.multiscale_real_nvp((28, 28))
    with pytest.raises(ValueError, match=r"got 6 x 6; 8 x 8 would fit"):
        flows.multiscale_real_nvp((6, 6, 1))
    with pytest.raises(ValueError, match=r"2 levels need .*got 8 x 8; 16 x 16 would fit"):
        flows.multiscale_real_nvp((8, 8, 1), num_levels=2)
    with pytest.raises(ValueError, match=r"40 levels need .*got 8 x 8; at most 1 would fit"):
        flows.multiscale_real_nvp((8, 8, 1), num_levels=40)


def test_images_whose_size_is_known_only_when_the_graph_runs():
    flow = small()
    images = tf.random.stateless_normal([2, 8, 8, 1], [1, 2])
    unknown = tf.TensorSpec([None, None, None, 1], tf.float32)
    log_prob = tf.function(flow.log_prob, input_signature=[unknown])
    np.testing.assert_allclose(log_prob(images), flow.log_prob(images), rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError):
        log_prob(images[:, :4])


def test_pixels():
    side = flows.pixel_range(0.05)
    assert side.forward(0.0) == 128.0
    y = tf.constant([0.0, 1.5, 128.0, 256.0], tf.float64)
    side = flows.pixel_range(0.05, dtype=tf.float64)
    p = 0.05 + 0.9 * y / 256
    np.testing.assert_allclose(side.inverse(y), np.log(p / (1 - p)), rtol=0, atol=1e-6)
    slope = 0.9 / 256 / (p * (1 - p))
    log_det = side.inverse_log_det_jacobian(tf.identity(y), 0)
    np.testing.assert_allclose(log_det, np.log(slope), rtol=0, atol=1e-6)
    for alpha in (-0.1, 0.5):
        with pytest.raises(ValueError, match=f"alpha must be .*got {alpha}"):
            flows.pixel_range(alpha)


def test_training_on_whole_numbers():
    images, held_out = stripes(600), stripes(200)
    flow = flows.append(small(), flows.pixel_range())
    options = {"num_steps": 60, "batch_size": 50, "learning_rate": 3e-3, "progress": False}
    options["jit_compile"] = True  # for the last bit
    history = training.fit(flow, images, validation_data=held_out, validation_every=30, **options)
    assert all(norm.initialized for norm in flow.bijector.submodules if is_act_norm(norm))
    before = history.loss[0] / 64 / np.log(2)
    after = evaluation.bits_per_dim(flow, held_out)
    assert before > 7
    assert after.value < before - 0.7
    assert history.validation_loss[-1] / 64 / np.log(2) == pytest.approx(after.value, abs=0.05)
    # The same call gives the same weights, noise included.
    again = flows.append(small(), flows.pixel_range())
    repeated = training.fit(again, images, **options)
    np.testing.assert_array_equal(repeated.loss, history.loss)


def test_noise_is_learned():
    """Of images of nothing but 7, all that there is to learn is how the noise should lie."""
    images = np.full([400, 8, 8, 1], 7, np.uint8)
    uniform = flows.append(small(num_couplings=1), flows.pixel_range())
    learned = flows.append(small(num_couplings=1), flows.pixel_range(), flows.dequantization())
    options = {"num_steps": 150, "batch_size": 50, "learning_rate": 1e-2, "progress": False}
    bits = {}
    for name, flow in {"uniform": uniform, "learned": learned}.items():
        training.fit(flow, images, **options)
        bits[name] = evaluation.bits_per_dim(flow, images).value
    # Per number, the best normal distribution for uniform noise costs log2(sqrt(pi e / 6)) bits.
    assert bits["uniform"] > 0.2
    assert bits["learned"] < 0.5 * bits["uniform"]


def test_learned_noise_starts_uniform_and_stays_in_its_cell():
    layer = flows.dequantization(num_channels=2, num_bins=4, dtype=tf.float64)
    y = tf.constant(RNG.uniform(0, 256, size=[30, 3, 2]))
    np.testing.assert_allclose(layer.inverse(y), y, rtol=0, atol=1e-12)
    shaken_layer = shaken(layer)
    bent = shaken_layer.inverse(tf.identity(y)).numpy()
    assert np.array_equal(np.floor(bent), np.floor(y))
    assert np.max(np.abs(bent - y)) > 1e-3
    with pytest.raises(ValueError, match="num_bins must be at least 1, got 0"):
        flows.dequantization(num_bins=0)


@pytest.mark.parametrize("build", [small, small_spline, small_glow])
def test_one_image_without_a_batch(build):
    flow = flows.append(shaken(build(), 0.02), flows.pixel_range(), flows.dequantization())
    image = tf.constant(stripes(1)[0], tf.float32) + 0.5
    np.testing.assert_allclose(flow.log_prob(image), flow.log_prob(image[tf.newaxis])[0], rtol=1e-5)
    assert flow.sample(seed=1).shape == [8, 8, 1]


def test_samples_beyond_black_and_white_have_a_density():
    flow = flows.append(small(), flows.pixel_range(), flows.dequantization())
    samples = flow.sample(200, seed=2)
    assert np.min(samples) < 0
    assert np.max(samples) > 256
    assert np.all(np.isfinite(flow.log_prob(tf.identity(samples))))


def test_images_of_another_shape_are_refused():
    flow = flows.multiscale_real_nvp((16, 8, 1), num_couplings=1, hidden_channels=2, num_blocks=0)
    with pytest.raises(
        ValueError, match=r"images of shape \(16, 8, 1\), got shape \(2, 8, 16, 1\)"
    ):
        flow.log_prob(np.zeros([2, 8, 16, 1], np.float32))
    with pytest.raises(ValueError, match=r"z of 128 numbers, got shape \(2, 31\)"):
        flow.bijector.forward(np.zeros([2, 31], np.float32))


def test_an_embedding_gives_each_number_its_row():
    table = networks.Embedding(5, 3, dtype=tf.float64)
    table.table.assign(np.arange(15.0).reshape(5, 3))
    found = table(np.array([[2.0, 4.0], [0.0, 1.0]]))
    assert found.numpy().tolist() == [[6, 12, 7, 13, 8, 14], [0, 3, 1, 4, 2, 5]]
    beyond = table(np.array([[-0.5, 5.0]]))
    assert beyond.numpy().tolist() == [[0, 12, 1, 13, 2, 14]]


def is_act_norm(module):
    return isinstance(module, bijectors.ActNorm)


def test_a_flow_on_images_is_saved_and_loaded(tmp_path):
    flow = flows.append(shaken(small()), flows.pixel_range())
    other = flows.append(small(seed=1), flows.pixel_range())
    flows.save(flow, tmp_path / "flow.npz")
    flows.load(other, tmp_path / "flow.npz")
    x = stripes(4).astype(np.float32) + 0.5
    np.testing.assert_array_equal(other.log_prob(x), flow.log_prob(x))


def test_a_list_of_whole_images_gets_noise_too():
    flow, images = flows.append(small(), flows.pixel_range()), stripes(40)
    options = {"num_steps": 2, "batch_size": 20, "jit_compile": True, "progress": False}
    losses = [
        training.fit(flows.append(small(), flows.pixel_range()), data, **options).loss
        for data in (images, list(images))
    ]
    np.testing.assert_array_equal(*losses)
    mixed = [images[0], images[1][:4]]
    with pytest.raises(ValueError, match="data must be an array of numbers"):
        training.fit(flow, mixed, **options)
    masked = np.ma.masked_array(images, mask=np.zeros(images.shape))
    masked[3, 1, 2, 0] = np.ma.masked
    with pytest.raises(ValueError, match=r"must be finite, but at \[3, 1, 2, 0\] there is nan"):
        training.fit(flow, masked, **options)


@pytest.mark.parametrize("build", [small, small_glow])
def test_act_norms_see_standardised_data_and_survive(build, tmp_path):
    flow, images = flows.append(build(), flows.pixel_range()), stripes(300)
    training.fit(flow, images, num_steps=1, learning_rate=1e-9, progress=False)
    z = flow.bijector.inverse(images + np.float32(0.5)).numpy()
    assert abs(z.mean()) < 0.1
    assert abs(z.std() - 1) < 0.1
    flows.save(flow, tmp_path / "flow.npz")
    other = flows.append(build(seed=5), flows.pixel_range())
    flows.load(other, tmp_path / "flow.npz")
    assert all(norm.initialized for norm in other.bijector.submodules if is_act_norm(norm))
    np.testing.assert_array_equal(other.bijector.inverse(images + np.float32(0.5)), z)


@pytest.mark.parametrize("parametrization", ["lu", "qr", "householder"])
def test_glow_learns(parametrization):
    images, held_out = stripes(600), stripes(200)
    flow = flows.append(small_glow(parametrization=parametrization), flows.pixel_range())
    options = {"num_steps": 60, "batch_size": 50, "learning_rate": 3e-3, "progress": False}
    history = training.fit(flow, images, **options)
    before = history.loss[0] / 64 / np.log(2)
    assert evaluation.bits_per_dim(flow, held_out).value < before - 0.7


def test_glow_samples_any_number_inside_a_function_and_exports(tmp_path):
    flow = shaken(small_glow())
    draw = tf.function(lambda n: flow.sample(n, seed=tf.constant([0, 1])))
    for n in (1, 3, 7):
        assert draw(tf.constant(n)).shape == [n, 8, 8, 1]
    flows.export(flow, tmp_path / "glow")
    loaded = tf.saved_model.load(tmp_path / "glow")
    x = tf.constant(RNG.normal(size=[5, 8, 8, 1]), tf.float32)
    np.testing.assert_allclose(loaded.log_prob(x), flow.log_prob(x), rtol=1e-5)


def test_what_glow_refuses():
    with pytest.raises(ValueError, match=r"3 levels need .*got 28 x 28; 32 x 32 would fit"):
        flows.glow((28, 28, 1), num_levels=3)
    with pytest.raises(ValueError, match="Unknown transform 'cubic'; known: affine, spline"):
        flows.glow((8, 8, 1), transform="cubic")
    with pytest.raises(ValueError, match="num_bins must be at least 1, got -5"):
        flows.glow((8, 8, 1), num_bins=-5)
    with pytest.raises(ValueError, match="Unknown parametrization 'svd'"):
        flows.glow((8, 8, 1), parametrization="svd")
    with pytest.raises(ValueError, match=r"images of shape \(8, 8, 1\), got shape \(2, 8, 8, 3\)"):
        small_glow().log_prob(np.zeros([2, 8, 8, 3], np.float32))


def test_the_number_of_steps_may_be_an_array():
    flow = small_glow(num_steps=np.array(1))
    assert len(flow.bijector.levels) == 1


def test_levels_may_differ():
    build = functools.partial(flows.multiscale_real_nvp, (16, 16, 1), num_blocks=0)
    flow = build(num_couplings=(1, 3), hidden_channels=[4, 6])
    nets = [m for m in flow.bijector.submodules if isinstance(m, networks.ConvNet)]
    hidden = {k: [n.first.bias.shape[0] for n in nets if f"level_{k}" in n.name] for k in (1, 2)}
    assert hidden == {1: [4] * 2, 2: [6] * 6}
    with pytest.raises(ValueError, match=r"num_couplings must be one number or 2.*got \(1,\)"):
        build(num_couplings=(1,))
    with pytest.raises(ValueError, match="each of hidden_channels must be at least 1, got 0"):
        build(hidden_channels=(4, 0))


def test_every_step_draws_its_own_noise():
    images = stripes(40)
    flow = flows.append(small(), flows.pixel_range())
    # Nothing is learned and every step takes all images: only the noise can differ.
    still = {"num_steps": 3, "batch_size": 40, "learning_rate": 1e-12, "progress": False}
    first, *others = training.fit(flow, images, **still).loss
    assert all(abs(loss - first) > 1e-3 for loss in others)


def test_bad_images_are_refused():
    flow = flows.append(small(), flows.pixel_range())
    fit = {"num_steps": 1, "progress": False}
    with pytest.raises(ValueError, match=r"shape \['n', 8, 8, 1\], got \[5, 8, 8\]"):
        training.fit(flow, np.zeros([5, 8, 8], np.uint8), **fit)
    bad = np.zeros([5, 8, 8, 1], np.float32)
    bad[2, 0, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r"must be finite, but at \[2, 0, 1, 0\] there is nan"):
        training.fit(flow, bad, **fit)
    with pytest.raises(ValueError, match="images must be uint8, got float64"):
        evaluation.bits_per_dim(flow, np.zeros([5, 8, 8, 1]))
    with pytest.raises(ValueError, match="at least 2"):
        evaluation.bits_per_dim(flow, np.zeros([1, 8, 8, 1], np.uint8))


class TestBitsPerDim:
    def test_uniform_pixels_take_eight_bits(self):
        uniform = tfd.Independent(tfd.Uniform(tf.zeros([3, 2, 1]), 256.0), 3)
        bits = evaluation.bits_per_dim(
            uniform, RNG.integers(256, size=[9, 3, 2, 1], dtype=np.uint8)
        )
        assert bits.value == pytest.approx(8, abs=1e-6)
        assert bits.standard_error == pytest.approx(0, abs=1e-6)

    def test_a_known_entropy_is_reached(self):
        """Numbers 2 (60 %), 3 (30 %) and 7 (10 %); a density that is constant on each cell."""
        probabilities = {2: 0.6, 3: 0.3, 7: 0.1}
        entropy = -sum(p * np.log2(p) for p in probabilities.values())
        cells = tfd.MixtureSameFamily(
            tfd.Categorical(probs=tf.constant([*probabilities.values()], tf.float64)),
            tfd.Uniform(tf.constant([2.0, 3, 7], tf.float64), tf.constant([3.0, 4, 8], tf.float64)),
        )
        images = RNG.choice([2, 3, 7], p=[0.6, 0.3, 0.1], size=[4000, 5]).astype(np.uint8)
        bits = evaluation.bits_per_dim(tfd.Sample(cells, 5), images)
        assert abs(bits.value - entropy) < 4 * bits.standard_error
        assert bits.standard_error < 0.02

    def test_the_logit_is_counted(self):
        """The same density, put together through the logit."""
        direct = tfd.Independent(tfd.Uniform(tf.zeros([4], tf.float64), 256.0), 1)
        side = flows.pixel_range(0.05, dtype=tf.float64)
        in_logits = tfd.TransformedDistribution(direct, tfb.Invert(side))
        back = tfd.TransformedDistribution(in_logits, side)
        images = RNG.integers(256, size=[50, 4], dtype=np.uint8)
        assert evaluation.bits_per_dim(back, images).value == pytest.approx(8, abs=1e-4)

    def test_uneven_noise_costs_bits_and_more_draws_do_not_change_that(self):
        """A density that varies in the cells: the bound is above the truth by a known amount."""
        # p(x + u) = 2 u on the cell of 0: P(0) = 1, and E[-log2(2 u)] = log2(e) - 1.
        triangle = tfd.Triangular(low=0.0, high=1.0, peak=1.0)
        zeros = np.zeros([3000, 4], np.uint8)
        flow = tfd.Independent(tfd.Sample(triangle, 4), 0)
        for draws in (1, 5):
            bits = evaluation.bits_per_dim(flow, zeros, num_draws=draws)
            assert abs(bits.value - (np.log2(np.e) - 1)) < 4 * bits.standard_error


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_never_makes_the_next_whole_number(dtype):
    white = np.full([1000, 1000], 255, np.uint8)  # among 1e6 uniform float32 about 8 make 256
    noisy = {
        "array": _noise.with_noise(white, np.random.default_rng(0), dtype),
        "graph": _noise.with_stateless_noise(tf.constant(white, dtype), [0, 1]).numpy(),
    }
    for kind, numbers in noisy.items():
        assert numbers.dtype == dtype, kind
        assert np.array_equal(np.floor(numbers), white), kind
        u = numbers - dtype(255)
        assert 0 < u.min() < 1e-4, kind
        assert u.max() > 1 - 1e-4, kind
        counts = np.histogram(u, bins=100, range=(0, 1))[0]
        assert np.sum((counts - 1e4) ** 2 / 1e4) < 160, kind  # chi squared of 99 degrees: 1 in 1e4
