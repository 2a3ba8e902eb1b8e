"""Bijectors as layers of Keras models: their losses, weights, files and refusals."""

import inspect
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from jacobians import image_and_log_det

from normflows_tut import bijectors, flows, networks, targets
from normflows_tut.flows import BijectorLayer, recipe

tfb = tfp.bijectors
tfd = tfp.distributions

SMALL = {"hidden_units": (8,), "activation": "tanh"}
IMAGES = {"image_shape": (8, 8, 1), "num_levels": 1, "hidden_channels": 4, "num_blocks": 1}
# name -> (make, arguments, shape of an event on the base side)
CASES = {
    "Planar": (bijectors.Planar, {"event_size": 3, "u": [1, 0.5, -2], "seed": 4}, [3]),
    "Planar, over time": (bijectors.Planar, {"event_size": 2, "u": [1.0, 0.5]}, [4, 2]),
    "Radial": (bijectors.Radial, {"event_size": 2, "beta": 2.0}, [2]),
    "ActNorm, on images": (bijectors.ActNorm, {"event_size": 2}, [2, 2, 2]),
    "InvertibleConv1x1": (bijectors.InvertibleConv1x1, {"event_size": 3}, [2, 2, 3]),
    "Softlog": (bijectors.Softlog, {}, [3]),
    "Softsquare": (bijectors.Softsquare, {"a": 0.5}, [2, 2]),
    "Squeeze": (bijectors.Squeeze, {}, [4, 4, 1]),
    "planar": (flows.planar, {"event_size": 2, "num_layers": 3}, [2]),
    "radial": (flows.radial, {"event_size": 2, "num_layers": 3}, [2]),
    "real_nvp": (flows.real_nvp, {"event_size": 2, "num_layers": 2, **SMALL}, [2]),
    "neural_spline": (
        flows.neural_spline,
        {"event_size": 2, "num_layers": 1, "act_norm": True, **SMALL},
        [2],
    ),
    "masked_autoregressive": (
        flows.masked_autoregressive,
        {"event_size": 2, "num_layers": 1, "order": "random", **SMALL},
        [2],
    ),
    "inverse_autoregressive": (
        flows.inverse_autoregressive,
        {"event_size": 2, "num_layers": 1, **SMALL},
        [2],
    ),
    "neural_autoregressive": (
        flows.neural_autoregressive,
        {"event_size": 2, "num_layers": 1, **SMALL},
        [2],
    ),
    "multiscale_real_nvp": (flows.multiscale_real_nvp, {**IMAGES, "num_couplings": 1}, [64]),
    "multiscale_neural_spline": (
        flows.multiscale_neural_spline,
        {**IMAGES, "num_couplings": 1},
        [64],
    ),
    "glow": (flows.glow, {**IMAGES, "num_steps": 1}, [64]),
    "pixel_range": (flows.pixel_range, {"num_values": 4}, [2, 2, 1]),
    "dequantization": (flows.dequantization, {"num_values": 4, "num_bins": 3}, [2, 2, 1]),
}
FEW = ("Planar", "Radial", "real_nvp", "masked_autoregressive", "glow")
each_case = pytest.mark.parametrize("name", CASES)
each_of_few = pytest.mark.parametrize("name", FEW)
# Backwards a few: that inverses agree with Jacobians is tested where the bijectors are.
WAYS = [(name, False) for name in CASES]
WAYS += [(name, True) for name in (*FEW, "ActNorm, on images", "dequantization")]
each_way = pytest.mark.parametrize(("name", "inverse"), WAYS)


def _randomized(layer, seed=0):
    rng = np.random.default_rng(seed)
    for v in layer.trainable_weights:
        v.assign_add(tf.cast(0.1 * rng.normal(size=v.shape), v.dtype))
    return layer


def _layer(case, **options):
    make, arguments, _ = CASES[case]
    return _randomized(BijectorLayer(make, **arguments, **options))


def _points(layer, name, count=3):
    """Points of the input of `layer`, as whole as a dequantization likes them."""
    shape = CASES[name][2]
    z = np.random.default_rng(1).normal(size=[count, *shape])
    if name == "dequantization":
        z = 1.0 + np.random.default_rng(1).uniform(size=[count, *shape])
    z = tf.constant(z, layer.compute_dtype)
    return layer.bijector.forward(z) if layer.inverse else z


def _same(found, wanted):
    return [id(v) for v in found] == [id(v) for v in wanted]


def _plane(*layers):
    return tf_keras.Sequential([tf_keras.Input([2]), *layers])


def test_every_public_maker_has_a_case():
    others = {"append", "export", "layers", "load", "prefixes", "save", "BijectorLayer"}
    others |= {"ConditionalFlow", "VAE", "conditional_normal"}  # no bijector without a context
    assert {f"flows.{name}" for name in set(flows.__all__) - others} == {
        name for name in recipe.MAKERS if name.startswith("flows.")
    }
    assert {name for name in recipe.MAKERS if name.startswith("bijectors.")} == {
        f"bijectors.{name}"
        for name in bijectors.__all__
        if inspect.isclass(getattr(bijectors, name))
    }
    assert set(flows.__all__) - others <= set(CASES)


# The log-determinant ------------------------------------------------------------------------------


@each_way
def test_the_loss_is_minus_the_mean_log_det_of_the_jacobian(name, inverse):
    layer = _layer(name, inverse=inverse, dtype="float64")
    x = _points(layer, name)
    method = layer.bijector.inverse if inverse else layer.bijector.forward
    _, log_det = image_and_log_det(method, x)
    y = layer(x)
    (loss,) = layer.losses
    assert loss.dtype == tf.float64
    np.testing.assert_allclose(loss, -np.mean(log_det), rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(y, method(tf.identity(x)))


def test_planar_in_numbers():
    """By hand: u = w = (1, 0), b = 0, and m(1) = log(1 + e) - 1, so that u_hat = (m(1), 0)."""
    layer = BijectorLayer(bijectors.Planar, event_size=2, u=[1, 0], w=[1, 0], dtype="float64")
    m = np.log1p(np.e) - 1
    y = layer(tf.constant([[0.5, 3.0], [-2.0, 1.0]], tf.float64))
    z = np.array([0.5, -2.0])
    np.testing.assert_allclose(y, np.stack([z + m * np.tanh(z), [3.0, 1.0]], 1), rtol=1e-12)
    expected = -np.mean(np.log(1 + m * (1 - np.tanh(z) ** 2)))
    np.testing.assert_allclose(sum(layer.losses), expected, rtol=1e-12)


def test_there_and_back_has_no_loss():
    forward = BijectorLayer(flows.real_nvp, event_size=2, num_layers=2, dtype="float64")
    model = _plane(_randomized(forward), BijectorLayer(forward.bijector, inverse=True))
    # What Keras makes of a model's input, whatever the dtype of its layers.
    x = tf.constant(np.random.default_rng(0).normal(size=[10, 2]), tf.float32)
    np.testing.assert_allclose(model(x), tf.cast(x, tf.float64), rtol=0, atol=1e-12)
    first, second = model.losses
    assert abs(first) > 1e-3
    np.testing.assert_allclose(first + second, 0, rtol=0, atol=1e-12)
    assert len(model.trainable_weights) == len(forward.trainable_weights)


def test_every_call_counts_once():
    layer = _layer("Radial")
    inputs = tf_keras.Input([2])
    model = tf_keras.Model(inputs, layer(layer(inputs)))
    x = _points(layer, "Radial")
    for _ in range(2):  # the losses of an earlier call are gone
        y = model(x)
        bijector = layer.bijector
        once = -tf.reduce_mean(bijector.forward_log_det_jacobian(tf.identity(x), 1))
        twice = -tf.reduce_mean(bijector.forward_log_det_jacobian(bijector.forward(x), 1))
        np.testing.assert_allclose(model.losses, [once, twice], rtol=1e-5)
        np.testing.assert_allclose(y, bijector.forward(bijector.forward(x)), rtol=1e-5)
    assert len(model.weights) == 3


def test_a_constant_log_det_counts_for_the_whole_event():
    layer = BijectorLayer(tfb.Chain([tfb.Shift([1.0, 2.0, 3.0]), tfb.Scale(2.0)]))
    layer(tf.zeros([5, 4, 3]))
    np.testing.assert_allclose(layer.losses, [-12 * np.log(2)], rtol=1e-6)


@each_way
def test_an_empty_batch(name, inverse):
    layer = _layer(name, inverse=inverse)
    x = _points(layer, name)[:0]
    with tf.GradientTape() as tape:
        y = layer(x)
        loss = tf.add_n(layer.losses) + tf.reduce_sum(y)
    assert y.shape == layer.compute_output_shape(x.shape)
    assert float(loss) == 0
    gradients = tape.gradient(loss, layer.trainable_weights)
    assert all(np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients if g is not None)


def test_the_bijector_remembers_nothing_of_a_call():
    """TFP's cache would give the image and log-det of weights that have moved since."""
    layer = _layer("Planar")
    x = _points(layer, "Planar")
    before = layer(x)
    layer.bijector.u.assign([0.0, 0.0, 4.0])
    after, loss = layer(x), layer.losses[0]
    assert np.any(np.abs(after - before) > 0.1)
    fresh = BijectorLayer(bijectors.Planar, event_size=3, u=[0, 0, 4], w=layer.bijector.w.numpy())
    fresh.bijector.b.assign(layer.bijector.b)
    np.testing.assert_array_equal(after, fresh(x))
    np.testing.assert_array_equal(loss, fresh.losses[0])
    layer.bijector.u.assign([4.0, 0.0, 0.0])
    assert np.any(np.abs(layer.bijector.inverse(after) - x) > 0.1)


def test_eager_and_graph_calls_take_turns():
    layer = _layer("real_nvp")
    x = _points(layer, "real_nvp")

    @tf.function
    def graph(x):
        return layer(x), layer.losses

    for _ in range(2):
        y, losses = graph(x)
        np.testing.assert_allclose(y, layer(x), rtol=1e-6)
        np.testing.assert_allclose(losses, layer.losses, rtol=1e-5)


# Weights and training -----------------------------------------------------------------------------


@each_case
def test_weights_are_those_of_the_bijector(name):
    layer = _layer(name)
    trained, fixed = layer.bijector.trainable_variables, layer.bijector.non_trainable_variables
    for _ in range(2):
        assert _same(layer.trainable_weights, trained)
        assert _same(layer.non_trainable_weights, fixed)
        assert _same(layer.weights, [*trained, *fixed])
        layer(_points(layer, name))
    assert len({v.name for v in layer.weights}) == len(layer.weights)
    layer.trainable = False
    assert layer.trainable_weights == []
    assert _same(layer.weights, [*trained, *fixed])


def test_weights_of_a_bijector_of_tfp():
    scale = tfp.util.TransformedVariable([1.0, 2.0], tfb.Exp())
    ready = tfb.Chain([tfb.Shift(tf.Variable([3.0, 4.0])), tfb.Scale(scale)])
    layer = BijectorLayer(ready)
    assert layer.bijector is ready
    assert len(layer.trainable_weights) == 2
    assert _same(layer.trainable_weights, ready.trainable_variables)


@pytest.mark.parametrize(
    ("name", "inverse"),
    [
        ("Planar", False),
        ("Radial", True),
        ("real_nvp", False),
        ("masked_autoregressive", True),
        ("glow", True),
    ],
)
def test_fit_moves_every_weight_and_nothing_else(name, inverse):
    layer = _layer(name, inverse=inverse)
    x = _points(layer, name, 16)
    model = tf_keras.Sequential([tf_keras.Input(x.shape[1:]), layer])
    model.compile(tf_keras.optimizers.Adam(1e-2), loss=lambda _, y: tf.reduce_sum(y**2))
    trained = [v.numpy() for v in layer.trainable_weights]
    fixed = [v.numpy() for v in layer.non_trainable_weights]
    model.fit(x, x, epochs=3, batch_size=16, verbose=0)
    moved = [np.any(v != old) for v, old in zip(layer.trainable_weights, trained, strict=True)]
    assert all(moved)
    for v, old in zip(layer.non_trainable_weights, fixed, strict=True):
        np.testing.assert_array_equal(v, old)


def test_compiled_by_xla_gives_the_same_losses():
    losses = {}
    for jit in (False, True):
        model = _plane(_layer("Planar, over time"), _layer("real_nvp"))
        x = tf.constant(np.random.default_rng(0).normal(size=[16, 2]), tf.float32)
        model.compile("sgd", loss=lambda _, y: tf.reduce_mean(y**2, -1), jit_compile=jit)
        losses[jit] = model.fit(x, x, epochs=2, batch_size=16, verbose=0).history["loss"]
    np.testing.assert_allclose(losses[True], losses[False], rtol=1e-4)
    assert losses[True][1] < losses[True][0]


def test_reverse_kl_by_fit_is_that_of_the_definition():
    target = targets.make("banana")
    layers = [BijectorLayer(flows.real_nvp, event_size=2, num_layers=2, seed=k) for k in (1, 2)]
    model = _plane(*layers)
    # Falling, so that the last steps' noise does not decide what the flow is worth.
    rate = tf_keras.optimizers.schedules.CosineDecay(1e-2, 30 * 2048 // 128)
    model.compile(tf_keras.optimizers.Adam(rate), loss=lambda _, x: -target.log_prob(x))
    base = tfd.MultivariateNormalDiag(tf.zeros(2))
    z = base.sample(2048, seed=[0, 0])
    model.fit(z, z, epochs=30, batch_size=128, shuffle=False, verbose=0)

    flow = tfd.TransformedDistribution(base, tfb.Chain([each.bijector for each in layers[::-1]]))
    z = base.sample(4096, seed=[0, 1])
    x = flow.bijector.forward(z)
    kl = tf.reduce_mean(flow.log_prob(tf.identity(x)) - target.log_prob(x))
    found = model.evaluate(z, z, batch_size=4096, verbose=0)
    np.testing.assert_allclose(found + tf.reduce_mean(base.log_prob(z)), kl, rtol=0, atol=1e-3)
    assert 0 < kl < 0.05


def test_likelihood_by_fit_is_that_of_the_flow():
    base = tfd.MultivariateNormalDiag(tf.zeros(2))
    layer = BijectorLayer(flows.real_nvp, event_size=2, num_layers=4, seed=1, inverse=True)
    model = _plane(layer)
    model.compile(tf_keras.optimizers.Adam(5e-3), loss=lambda _, z: -base.log_prob(z))
    x = targets.make("moons").sample(4096, seed=[0, 0])
    model.fit(x, x, epochs=10, batch_size=128, shuffle=False, verbose=0)
    flow = tfd.TransformedDistribution(base, layer.bijector)
    nll = -tf.reduce_mean(flow.log_prob(tf.identity(x)))
    np.testing.assert_allclose(model.evaluate(x, x, batch_size=2048, verbose=0), nll, rtol=1e-4)
    assert nll < 3.1  # a normal distribution of the same covariance has 3.29


def test_no_call_initializes_an_act_norm():
    layer = BijectorLayer(flows.real_nvp, event_size=2, num_layers=1, act_norm=True)
    model = _plane(layer)
    model.compile("sgd", loss=lambda _, y: tf.reduce_sum(y**2))
    model.fit(7.0 + tf.zeros([4, 2]), tf.zeros([4]), verbose=0)
    set_yet = [v for v in layer.weights if v.name.startswith("initialized")]
    assert len(set_yet) == 2
    assert not any(bool(v) for v in set_yet)
    layer = BijectorLayer(flows.real_nvp, event_size=2, num_layers=1, act_norm=True)
    data = 3.0 + 2.0 * np.random.default_rng(0).normal(size=[999, 2])
    bijectors.initialize_act_norms(layer.bijector, data)
    layer_back = BijectorLayer(layer.bijector, inverse=True)
    np.testing.assert_allclose(np.mean(layer_back(data), axis=0), 0, rtol=0, atol=1e-3)


# Models of every kind -----------------------------------------------------------------------------


class Subclassed(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.flow = [_layer("Radial"), _layer("Radial")]

    def call(self, x):
        for layer in self.flow:
            x = layer(x)
        return x


def test_a_subclassed_model():
    model = Subclassed()
    model.compile("sgd")
    before = model.flow[0].bijector.beta.numpy()
    history = model.fit(tf.ones([8, 2]) / 3, epochs=2, batch_size=4, verbose=0).history["loss"]
    assert history[1] < history[0]
    assert model.flow[0].bijector.beta.numpy() != before
    assert len(model.trainable_weights) == 6
    assert len(model.losses) == 2


@each_way
def test_shapes_of_an_unknown_batch(name, inverse):
    layer = _layer(name, inverse=inverse)
    x = _points(layer, name)
    symbol = layer(tf_keras.Input(x.shape[1:]))
    assert symbol.shape.as_list() == [None, *layer(x).shape[1:]]
    assert layer.compute_output_shape([None, *x.shape[1:]]).as_list() == symbol.shape.as_list()
    if not inverse:
        assert tf_keras.Model(layer.input, symbol)(x).shape == layer(x).shape


def test_among_other_layers():
    model = tf_keras.Sequential(
        [
            BijectorLayer(flows.glow, **CASES["glow"][1], input_shape=[64]),
            tf_keras.layers.Flatten(),
            tf_keras.layers.Dense(2),
            BijectorLayer("bijectors.Planar", event_size=2, name="bend"),
        ]
    )
    assert model.output_shape == (None, 2)
    assert model.get_layer("bend").count_params() == 5
    assert model.predict(np.zeros([5, 64]), verbose=0).shape == (5, 2)


def test_dtypes():
    layer = BijectorLayer(bijectors.Radial, event_size=2, dtype="float64")
    assert layer(np.zeros([3, 2], np.float32)).dtype == tf.float64
    model = _plane(layer, BijectorLayer(bijectors.Planar, event_size=2, dtype=tf.float64))
    model.compile("sgd", loss="mse")
    model.fit(np.ones([4, 2]), np.zeros([4, 2]), verbose=0)
    assert BijectorLayer(bijectors.Radial(2, dtype=tf.float64)).compute_dtype == "float64"
    tf_keras.mixed_precision.set_global_policy("float64")
    try:
        other = BijectorLayer(flows.real_nvp, event_size=2, num_layers=1)
        assert {v.dtype for v in other.trainable_weights} == {tf.float64}
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    images = np.full([2, 4, 4, 4], 255, np.uint8)
    layer = BijectorLayer(bijectors.Squeeze, inverse=True)
    np.testing.assert_array_equal(layer(images), np.full([2, 8, 8, 1], 255, np.float32))


# Files --------------------------------------------------------------------------------------------

LOAD = """
import json, sys
from normflows_tut import flows
import numpy as np, tf_keras

paths = json.loads(sys.argv[1])
for path, npz in paths.items():
    saved = np.load(npz)
    model = tf_keras.models.load_model(path)
    assert all(type(layer) is flows.BijectorLayer for layer in model.layers), path
    np.testing.assert_array_equal(model(saved["x"]), saved["y"], path)
    losses = [float(loss) for loss in model.losses]
    np.testing.assert_array_equal(losses, saved["losses"], path)
    for layer in model.layers:
        bijector = layer.bijector
        trained = bijector.trainable_variables if layer.trainable else ()
        assert list(map(id, layer.trainable_weights)) == list(map(id, trained)), path
    # From a folder the optimizer comes back empty, with layers of tf_keras alone as well.
    if "plane" in path and "folder" not in path:
        assert model.optimizer.iterations == 1, path
print(len(paths), "loaded")
"""


def test_a_fresh_process_loads_every_format(tmp_path):
    plane = [_layer("Radial"), _layer("masked_autoregressive", inverse=True)]
    plane += [_layer("real_nvp", dtype="float64"), _layer("Softlog")]
    plane[0].trainable = False
    paths = {}
    for name, layers in {"plane": plane, "glow": [_layer("glow")]}.items():
        x = np.random.default_rng(2).normal(size=[5, 64 if name == "glow" else 2])
        model = tf_keras.Sequential([tf_keras.Input(x.shape[1:]), *layers])
        if name == "plane":  # so that an optimizer has weights to write down
            model.compile("adam", loss="mse")
            model.fit(x, model(x), verbose=0)
        np.savez(tmp_path / name, x=x, y=model(x), losses=[float(loss) for loss in model.losses])
        for ending in (".keras", ".h5", "_folder"):
            paths[str(tmp_path / (name + ending))] = str(tmp_path / f"{name}.npz")
            kind = {"save_format": "tf"} if ending == "_folder" else {}
            model.save(tmp_path / (name + ending), **kind)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "6 loaded"


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".ckpt"])
@each_of_few
def test_weights_alone(name, ending, tmp_path):
    make, arguments, shape = CASES[name]
    model, other = (
        tf_keras.Sequential([tf_keras.Input(shape), BijectorLayer(make, **arguments, seed=seed)])
        for arguments, seed in ((_without(arguments, "seed"), 5), (_without(arguments, "seed"), 6))
    )
    _randomized(model.layers[-1])
    other.trainable = False  # the order of the weights is the same
    x = _points(model.layers[-1], name)
    assert np.any(other(x) != model(x))
    model.save_weights(tmp_path / f"m{ending}")
    status = other.load_weights(tmp_path / f"m{ending}")
    if ending == ".ckpt":
        status.assert_existing_objects_matched()
    np.testing.assert_array_equal(other(x), model(x))


def _without(arguments, key):
    return {name: value for name, value in arguments.items() if name != key}


@each_case
def test_config_round_trip(name):
    layer = _layer(name, inverse=True, dtype="float64", name="one")
    config = json.loads(json.dumps(layer.get_config()))
    assert config["make"] in recipe.MAKERS
    other = BijectorLayer.from_config(config)
    assert other.get_config() == layer.get_config()
    other.set_weights(layer.get_weights())
    x = _points(layer, name)
    np.testing.assert_array_equal(other(x), layer(x))


def test_arguments_are_written_down_as_they_were():
    u, w = np.array([1.0, 2.0]), tf.constant([0.1, 0.3])
    layer = BijectorLayer(bijectors.Planar, event_size=np.int64(2), u=u, w=w, b=np.float32(0.1))
    u[:] = 0
    config = layer.get_config()
    np.testing.assert_array_equal(config["u"], [1, 2])
    other = BijectorLayer.from_config(config)
    for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_that_was_built_by_its_first_call(tmp_path):
    model = tf_keras.Sequential([_layer("Planar"), _layer("Planar", inverse=True)])
    x = _points(model.layers[0], "Planar")
    y = model(x)
    for path, kind in (("m.keras", {}), ("m.h5", {}), ("folder", {"save_format": "tf"})):
        model.save(tmp_path / path, **kind)
        np.testing.assert_array_equal(tf_keras.models.load_model(tmp_path / path)(x), y)


def test_a_clone_has_weights_of_its_own():
    model = _plane(_layer("Radial"))
    clone = tf_keras.models.clone_model(model)
    assert not _same(clone.weights, model.weights)
    clone.set_weights(model.get_weights())
    x = tf.ones([3, 2])
    np.testing.assert_array_equal(clone(x), model(x))


def test_weights_of_a_layer_are_those_of_the_flow(tmp_path):
    """A flow's file is read by a layer, and a layer's by a flow."""
    arguments = {"event_size": 2, "num_layers": 2, "act_norm": True, **SMALL}
    layer = _randomized(BijectorLayer(flows.real_nvp, **arguments))
    flow = flows.real_nvp(**arguments)
    flows.save(tfd.TransformedDistribution(flow.distribution, layer.bijector), tmp_path / "w.npz")
    flows.load(flow, tmp_path / "w.npz")
    x = tf.ones([3, 2])
    np.testing.assert_array_equal(layer(x), flow.bijector.forward(x))


def test_weights_of_another_layer_are_refused_and_none_is_touched(tmp_path):
    model = _plane(BijectorLayer(bijectors.Planar, event_size=2))
    model.save_weights(tmp_path / "m.weights.h5")
    other = _plane(BijectorLayer(bijectors.Radial, event_size=2))
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"has weights of the shapes .*, got \[\(\), \(2,\), \(2"):
        other.load_weights(tmp_path / "m.weights.h5")
    for a, b in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (flows.save, {}, "make must be a class .*got <function save"),
        (flows.planar(2, 1), {}, "make must be .*got <.*planar_flow.*: give flow.bijector"),
        (
            flows.planar(2, 1, context_size=1),
            {},
            r"no context to give; for one context give flow\(context\).bijector",
        ),
        (tfb.Exp, {}, "make must be .*a tfb.Bijector, got <class .*Exp"),
        ("bijectors.Planer", {}, "make must be .*'bijectors.Planer'"),
        ("Radial", {}, "got 'Radial'; there is 'bijectors.Radial' and 'flows.radial'"),
        ("flows.Softlog", {}, "there is 'bijectors.Softlog'"),
        ("flows.export", {}, "make must be .*'flows.export'"),
        (
            flows.conditional_normal,
            {},
            "got <function conditional_normal.*, whose flow needs a con",
        ),
        ("flows.conditional_normal", {}, "a layer has none to give"),
        (None, {}, "make must be .*None"),
        ([1], {}, r"make must be .*\[1\]"),
        (tfb.Exp(), {"event_size": 2}, "exp is a bijector already .*got event_size"),
        (bijectors.Planar, {"event_size": 0}, "event_size must be at least 1, got 0"),
        (bijectors.Planar, {"event_size": 2, "dtype": "float16"}, "float64, got 'float16'"),
        (flows.planar, {"event_size": 2, "dtype": "mixed_float16"}, "float64, got 'float16'"),
        (bijectors.Planar(2), {"dtype": "float64"}, "planar is of float32 .*dtype is float64"),
        (
            flows.real_nvp,
            {"event_size": 2, "context_size": 3},
            r"no context to give, got flows.real_nvp with context_size=3",
        ),
        (tfb.Split(2), {}, "acts on several tensors"),
        (
            bijectors.Planar,
            {"event_size": 2, "inverse": "no"},
            "inverse must be True or False.*'no'",
        ),
        (bijectors.Planar, {"event_sise": 2}, "bijectors.Planar cannot be made: .*'event_sise'"),
        ("bijectors.Planar", {}, "bijectors.Planar cannot be made: .*missing.*'event_size'"),
        (flows.planar, {"event_size": 2, "layers": 3}, "flows.planar cannot be made: .*'layers'"),
    ],
)
def test_bad_arguments_are_named(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        BijectorLayer(make, **arguments)


def test_what_waits_for_a_context_is_refused():
    shift = bijectors.Conditional(
        2, networks.MLP(1, 4), lambda raw: bijectors.BoundedAffine(tf.reshape(raw, [-1, 2, 2]))
    )
    chain = tfb.Chain([bijectors.Softlog(), tfb.Invert(shift)])
    inside = bijectors.Coupling(2, networks.MLP(1, 23, context_size=1), lambda raw: tfb.Identity())
    arguments = {"event_size": 2, "conditioner": networks.MLP(1, 4), "transform": tfb.Shift}
    flow = flows.glow((8, 8, 1), num_levels=1, num_steps=1, hidden_channels=4, context_size=1)
    for make, options in (
        (shift, {}),
        (chain, {}),
        (inside, {}),
        (flow.template.bijector, {}),
        ("bijectors.Conditional", arguments),
    ):
        with pytest.raises(
            ValueError, match=r"depends on a context.*bijectors.given\(bijector, con"
        ):
            BijectorLayer(make, **options)
    x = np.float32([[0.5, -1.0]])
    given = bijectors.given(chain, [[2.0]])
    np.testing.assert_array_equal(BijectorLayer(given)(x), given.forward(x))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("Planar", [4, 2], r"events of size 3, got shape \(.*2\)"),
        ("Planar", [3], r"at least 1 axis after that of the batch, got shape \(3,\)"),
        ("Squeeze", [4, 4, 1], r"at least 3 axes after .*got shape \(4, 4, 1\)"),
        ("glow", [2, 63], r"of 64 numbers, got shape \(.*63\)"),
    ],
)
def test_inputs_of_another_shape_are_refused(name, shape, message):
    with pytest.raises(ValueError, match=message):
        _layer(name)(tf.zeros(shape))
    if len(shape) == 2:
        with pytest.raises(ValueError, match=message):
            tf_keras.Sequential([tf_keras.Input(shape[1:]), _layer(name)])


@pytest.mark.parametrize(
    "inputs",
    [
        [tf.zeros([3, 2]), tf.ones([3, 2])],
        [[0.5, 1.0]],
        tf.ragged.constant([[0.5], [0.5, 1.0]]),
        tf.sparse.from_dense([[0.5, 1.0]]),
    ],
    ids=["two", "list", "ragged", "sparse"],
)
def test_what_is_not_one_dense_tensor_is_refused(inputs):
    with pytest.raises(ValueError, match="takes one dense tensor, got"):
        _layer("Radial")(inputs)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: BijectorLayer(bijectors.Planar(2)), "bijector planar ready-made.*save_weights"),
        (
            lambda: BijectorLayer(
                bijectors.AffineCoupling, event_size=2, conditioner=networks.MLP(1, 2)
            ),
            "its argument conditioner=.*MLP.*save_weights",
        ),
        (
            lambda: BijectorLayer(flows.real_nvp, event_size=2, num_layers=1, activation=tf.tanh),
            "its argument activation=<function",
        ),
    ],
)
def test_what_cannot_be_written_down_says_so(layer, message, tmp_path):
    model = _plane(_randomized(layer()))
    for path, kind in (("m.keras", {}), ("m.h5", {}), ("folder", {"save_format": "tf"})):
        with pytest.raises(ValueError, match=rf"{message}.*name\.keras stays as it was; .*lost"):
            model.save(tmp_path / path, **kind)
    # Keras has opened the others by then.
    assert not (tmp_path / "m.keras").exists()
    other = _plane(layer())
    model.save_weights(tmp_path / "m.weights.h5")  # as the message says
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other(tf.ones([3, 2])), model(tf.ones([3, 2])))


def test_a_refused_save_leaves_a_keras_file_and_no_other(tmp_path):
    """If the last line fails, Keras has become more careful, and the docstring may say so."""
    model = _plane(BijectorLayer(bijectors.Planar, event_size=2))
    refused = _plane(BijectorLayer(bijectors.Planar(2)))
    kept = []
    for path in (tmp_path / "m.keras", tmp_path / "m.h5"):
        model.save(path)
        before = path.read_bytes()
        with pytest.raises(ValueError, match="ready-made"):
            refused.save(path)
        kept.append(path.read_bytes() == before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.h5", "m.keras"]
    assert kept == [True, False]


def test_models_of_keras_3_are_refused():
    layer = BijectorLayer(bijectors.Planar, event_size=2)
    with pytest.raises(ValueError, match=r"bijector_layer.* of tf_keras.*got <KerasTensor"):
        layer(keras.Input([2]))

    class Model(keras.Model):
        def __init__(self):
            super().__init__(name="third")
            self.flow = layer

        def call(self, x):
            return self.flow(x)

    with pytest.raises(ValueError, match=r"layer of tf_keras.*a call inside 'third'"):
        Model()(tf.zeros([3, 2]))
    with pytest.raises(ValueError, match="Layer"):
        keras.Sequential([layer])
    layer(tf.zeros([3, 2]))  # the model's call is over


def test_the_signature_is_shown():
    assert [*inspect.signature(BijectorLayer).parameters][:2] == ["make", "inverse"]
