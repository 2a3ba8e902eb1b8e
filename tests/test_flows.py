"""Flows as a user meets them: complete, exact, saved and loaded."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from jacobians import image_and_log_det

from normflows_tut import evaluation, flows
from normflows_tut.bijectors import initialize_act_norms

tfd = tfp.distributions

FACTORIES = {
    "planar": flows.planar,
    "radial": flows.radial,
    # tanh: the kinks of a relu would cost the quadrature of the density its accuracy.
    "real_nvp": functools.partial(flows.real_nvp, activation="tanh"),
    "real_nvp with ActNorm": functools.partial(flows.real_nvp, activation="tanh", act_norm=True),
    "masked_autoregressive": functools.partial(flows.masked_autoregressive, activation="tanh"),
    "inverse_autoregressive": functools.partial(flows.inverse_autoregressive, activation="tanh"),
    "neural_spline": functools.partial(flows.neural_spline, activation="tanh"),
    "neural_spline, autoregressive": functools.partial(
        flows.neural_spline, activation="tanh", autoregressive=True, act_norm=True
    ),
    "neural_autoregressive": functools.partial(flows.neural_autoregressive, activation="tanh"),
}
COUPLINGS = [FACTORIES[name] for name in ("real_nvp", "real_nvp with ActNorm", "neural_spline")]
each_flow = pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)


def _randomized(flow, scale=0.03, seed=0):
    rng = np.random.default_rng(seed)
    for variable in flow.trainable_variables:
        variable.assign_add(tf.cast(scale * rng.normal(size=variable.shape), variable.dtype))
    return flow


@each_flow
@pytest.mark.parametrize("event_size", [1, 2, 3, 5])
def test_density_is_that_of_the_samples(factory, event_size):
    """log_prob equals the base's log-density minus the autodiff log|det| of the forward map."""
    if event_size == 1 and factory in COUPLINGS:
        with pytest.raises(ValueError, match="at least 2, got 1"):
            factory(1)
        return
    num_layers = 3 if event_size > 1 else 1
    flow = _randomized(factory(event_size, num_layers, dtype=tf.float64))
    z = tf.constant(np.random.default_rng(0).normal(size=[20, event_size]))
    # Eagerly, TensorFlow's gradient of a gather of no rows fails; of one coordinate there is one.
    forward = tf.function(flow.bijector.forward) if event_size == 1 else flow.bijector.forward
    x, log_det = image_and_log_det(forward, z)
    expected = flow.distribution.log_prob(z) - log_det
    np.testing.assert_allclose(flow.log_prob(tf.identity(x)), expected, rtol=0, atol=1e-10)


@each_flow
def test_two_dimensional_flows_integrate_to_one(factory):
    flow = _randomized(factory(2, 2, dtype=tf.float64))
    # Splines have edges, at which more points would be spent: here they are 3e-6 off at most.
    total = evaluation.integral(
        flow, ((-12, 12), (-12, 12)), tolerance=1e-6, max_evaluations=250_000
    )
    assert total == pytest.approx(1.0, abs=1e-5)


@each_flow
def test_layers_and_prefixes(factory):
    flow = _randomized(factory(2, 3, dtype=tf.float64))
    initialize_act_norms(flow.bijector, 3.0 + 7.0 * np.random.default_rng(1).normal(size=[99, 2]))
    stack = flows.layers(flow)
    assert len(stack) == 3
    z = tf.constant(np.random.default_rng(0).normal(size=[20, 2]))
    x = z
    for layer in stack:
        x = layer.forward(tf.identity(x))
    np.testing.assert_allclose(x, flow.bijector.forward(tf.identity(z)), rtol=0, atol=1e-12)

    partial = flows.prefixes(flow)
    assert len(partial) == 4
    np.testing.assert_allclose(
        partial[-1].log_prob(x), flow.log_prob(tf.identity(x)), rtol=0, atol=1e-12
    )
    # The first is the base in the units of the data.
    np.testing.assert_allclose(
        partial[0].bijector.forward(tf.zeros([1, 2], tf.float64))[0], [3.0, 3.0], rtol=0, atol=3.0
    )
    assert np.std(partial[0].bijector.forward(z)) > 4.0
    for prefix in partial:
        assert evaluation.log_det_error(prefix, x) < 1e-9


@each_flow
def test_all_variables_exist_and_reach_the_loss(factory):
    flow = factory(2, 3)
    names = [id(variable) for variable in flow.trainable_variables]
    flow.log_prob(tf.zeros([4, 2]))
    assert [id(variable) for variable in flow.trainable_variables] == names
    flow = _randomized(flow)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(flow.log_prob(np.random.default_rng(0).normal(size=[64, 2])))
    gradients = tape.gradient(loss, flow.trainable_variables)
    assert all(g is not None and np.any(g != 0) for g in gradients)


@each_flow
def test_seeds(factory):
    def first_weights(seed):
        return np.concatenate([np.ravel(v) for v in factory(2, 2, seed=seed).variables])

    np.testing.assert_array_equal(first_weights(3), first_weights(3))
    assert np.any(first_weights(3) != first_weights(4))


@each_flow
def test_save_and_load(factory, tmp_path):
    flow = _randomized(factory(3, 4))
    initialize_act_norms(flow.bijector, np.random.default_rng(1).normal(size=[50, 3]) + 5.0)
    x = np.random.default_rng(0).normal(size=[10, 3]).astype(np.float32)
    path = tmp_path / "flow.npz"
    flows.save(flow, path)
    other = flows.load(factory(3, 4, seed=9), path)
    np.testing.assert_array_equal(other.log_prob(x), flow.log_prob(x))


def test_a_foreign_or_damaged_file_is_refused_and_nothing_is_touched(tmp_path):
    path = tmp_path / "flow.npz"
    flows.save(_randomized(flows.real_nvp(2, 4)), path)
    flow = flows.real_nvp(3, 4)
    before = [variable.numpy() for variable in flow.variables]
    with pytest.raises(ValueError, match=r"flow\.npz"):
        flows.load(flow, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"flow\.npz.*damaged"):
        flows.load(flows.real_nvp(2, 4), path)
    for variable, value in zip(flow.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_odd_sizes_change_every_coordinate():
    flow = _randomized(flows.real_nvp(5, 2))
    z = tf.constant(np.random.default_rng(0).normal(size=[10, 5]), tf.float32)
    assert np.all(flow.bijector.forward(z) != z)


def test_what_is_appended_belongs_to_the_last_layer():
    inner = _randomized(flows.real_nvp(2, 3))
    flow = flows.append(inner, tfp.bijectors.Sigmoid(), tfp.bijectors.Scale(7.0))
    z = tf.constant(np.random.default_rng(0).normal(size=[50, 2]), tf.float32)
    x = inner.bijector.forward(z)
    np.testing.assert_allclose(flow.bijector.forward(z), 7 * tf.sigmoid(x), rtol=0, atol=1e-5)
    assert len(flows.layers(flow)) == 3
    partial = flows.prefixes(flow)
    assert len(partial) == 4
    for prefix, other in zip(partial, flows.prefixes(inner), strict=True):
        expected = 7 * tf.sigmoid(other.bijector.forward(z))
        np.testing.assert_allclose(
            prefix.bijector.forward(tf.identity(z)), expected, rtol=0, atol=1e-5
        )


def test_a_flow_of_tfp_has_layers_too():
    scale, shift = tfp.bijectors.Scale(2.0), tfp.bijectors.Shift(1.0)
    chain = tfd.TransformedDistribution(tfd.Normal(0.0, 1.0), tfp.bijectors.Chain([shift, scale]))
    assert flows.layers(chain) == [scale, shift]
    assert flows.layers(tfd.TransformedDistribution(tfd.Normal(0.0, 1.0), shift)) == [shift]
    assert len(flows.prefixes(chain)) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flows.planar(2, 0), "num_layers must be at least 1, got 0"),
        (lambda: flows.radial(0), "event_size must be at least 1, got 0"),
        (lambda: flows.real_nvp(2, -3), "num_layers must be at least 1, got -3"),
        (lambda: flows.real_nvp(2, 2.5), r"num_layers must be a whole number, got 2\.5"),
        (lambda: flows.real_nvp(2, hidden_units=(64, 0)), "at least 1, got 0"),
        (lambda: flows.real_nvp(2, activation="rellu"), "'rellu'"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@each_flow
def test_one_point_is_a_batch_of_one_without_its_axis(factory):
    flow = _randomized(factory(2, 2, dtype=tf.float64))
    points = np.array([[0.3, -1.0], [1.5, 0.2]])
    np.testing.assert_allclose(flow.log_prob(points)[1], flow.log_prob(points[1]), rtol=1e-12)


@each_flow
def test_an_export_is_served_without_this_package(factory, tmp_path):
    flow = _randomized(factory(3, 2))
    x = flow.sample(5, seed=[1, 2])
    flows.export(flow, tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.log_prob(x), flow.log_prob(tf.identity(x)), rtol=0, atol=1e-5)
    np.testing.assert_allclose(served.sample(5, [1, 2]), x, rtol=0, atol=1e-5)
    assert served.sample(7, [1, 2]).shape == [7, 3]


def test_an_export_runs_in_a_process_of_plain_tensorflow(tmp_path):
    flow = _randomized(flows.neural_spline(2, 2, autoregressive=True))
    x = np.float32([[0.5, -1.0], [3.0, 2.0]])
    flows.export(flow, tmp_path / "served")
    script = (
        "import sys, tensorflow as tf\n"
        f"served = tf.saved_model.load({str(tmp_path / 'served')!r})\n"
        f"print(served.log_prob(tf.constant({x.tolist()})).numpy().tolist())\n"
        "assert not any('normflows' in name or 'tensorflow_prob' in name for name in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    np.testing.assert_allclose(json.loads(done.stdout), flow.log_prob(x), rtol=0, atol=1e-5)


def test_an_export_replaces_an_export_and_nothing_else(tmp_path):
    flow = flows.radial(2, 1)
    flows.export(flow, tmp_path / "served")
    flows.export(flow, tmp_path / "served")
    assert [path.name for path in tmp_path.iterdir()] == ["served"]
    (tmp_path / "notes").mkdir()
    with pytest.raises(ValueError, match=r"notes.*no SavedModel"):
        flows.export(flow, tmp_path / "notes")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: flows.save(3, path), "a flow is needed, got 3"),
        (lambda path: flows.load("x", path), "a flow is needed, got 'x'"),
        (lambda path: flows.export("x", path), "a ConditionalFlow is needed, got 'x'"),
        (lambda path: flows.export(tf.Module("vae"), path), "ConditionalFlow is needed, got <"),
    ],
)
def test_what_is_no_flow_is_refused(call, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        call(tmp_path / "flow")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("write", [flows.save, flows.export])
def test_a_place_that_cannot_be_written_is_named(write, tmp_path):
    flow, missing = flows.radial(2, 1), tmp_path / "no such folder" / "flow"
    with pytest.raises(FileNotFoundError) as caught:
        write(flow, missing)
    assert caught.value.filename == str(missing)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as caught:
        write(flow, tmp_path / "file" / "flow")
    assert caught.value.filename == str(tmp_path / "file" / "flow")


def test_a_folder_is_no_file_to_save_to(tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        flows.save(flows.radial(2, 1), tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_random_order_is_saved_with_the_weights(tmp_path):
    flow = _randomized(flows.masked_autoregressive(5, 3, order="random", seed=1))
    other = flows.masked_autoregressive(5, 3, order="random", seed=2)
    x = np.random.default_rng(0).normal(size=[9, 5]).astype(np.float32)
    flows.save(flow, tmp_path / "weights.npz")
    assert np.any(np.abs(other.log_prob(x) - flow.log_prob(x)) > 0.1)
    flows.load(other, tmp_path / "weights.npz")
    np.testing.assert_array_equal(other.log_prob(x.copy()), flow.log_prob(x.copy()))
    np.testing.assert_array_equal(other.sample(4, seed=[0, 0]), flow.sample(4, seed=[0, 0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: flows.masked_autoregressive(2, transform="cubic"), "'cubic'; known: affine, spl"),
        (lambda: flows.masked_autoregressive(2, order="any"), "order 'any'; known: alternate"),
        (lambda: flows.neural_spline(2, num_bins=0), "num_bins must be at least 1, got 0"),
        (lambda: flows.neural_spline(1), "neural_spline .*at least 2, got 1"),
        (lambda: flows.neural_autoregressive(2, num_sigmoids=0), "num_sigmoids .*got 0"),
    ],
)
def test_new_flows_name_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("limit", [{"bound": -1}, {"min_bin_size": 0.2}, {"min_slope": 2}])
@pytest.mark.parametrize("autoregressive", [False, True])
def test_limits_of_splines_are_checked_when_the_flow_is_made(limit, autoregressive):
    with pytest.raises(ValueError, match=next(iter(limit))):
        flows.neural_spline(2, autoregressive=autoregressive, **limit)
