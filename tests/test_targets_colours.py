"""The density of a picture's colours."""

import numpy as np
import pytest
import tensorflow as tf

from normflows_tut import datasets, flows, targets, training

# Three quarters dark red, one quarter white.
IMAGE = np.array([[[64, 0, 0], [64, 0, 0]], [[64, 0, 0], [255, 255, 255]]], np.uint8)


def test_the_density_is_the_share_over_the_volume():
    density = targets.from_colours(IMAGE, bits=2, dtype=tf.float64)
    points = [[0.3, 0.1, 0.1], [0.8, 0.9, 1.0], [0.3, 0.3, 0.1], [1.1, 0.9, 0.9]]
    expected = [np.log(0.75 * 64), np.log(0.25 * 64), -np.inf, -np.inf]
    np.testing.assert_allclose(density.log_prob(points), expected)
    entropy = -(0.75 * np.log(0.75 * 64) + 0.25 * np.log(0.25 * 64))
    assert float(density.entropy()) == pytest.approx(entropy)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_samples_are_of_the_density(dtype):
    rng = np.random.default_rng(0)
    image = rng.integers(256, size=[20, 20, 3], dtype=np.uint8)
    density = targets.from_colours(image, dtype=dtype)
    x = density.sample(100_000, seed=[1, 2])
    log_prob = density.log_prob(x).numpy()
    assert np.isfinite(log_prob).all()
    error = np.std(log_prob) / np.sqrt(len(log_prob))
    assert abs(-np.mean(log_prob) - density.entropy()) < 4 * error + 1e-6
    np.testing.assert_allclose(
        np.mean(x, axis=0), image.reshape(-1, 3).mean(axis=0) / 256 + 4 / 256, rtol=0, atol=0.02
    )


def test_eight_bits_are_the_pixels():
    density = targets.from_colours(IMAGE, bits=8)
    x = density.sample(1000, seed=[0, 1]).numpy()
    colours = {tuple(c) for c in np.floor(256 * x).astype(int).tolist()}
    assert colours == {(64, 0, 0), (255, 255, 255)}
    red = np.mean(np.floor(256 * x[:, 0]) == 64)
    assert abs(red - 0.75) < 0.06


def test_a_flow_can_be_trained_on_fresh_draws():
    target = targets.from_colours(datasets.photograph("coffee"), bits=3)
    flow = flows.append(flows.planar(3, num_layers=2), flows.pixel_range(num_values=1))
    history = training.fit(flow, target, num_steps=100, learning_rate=1e-2, progress=False)
    assert np.mean(history.loss[-10:]) < np.mean(history.loss[:10]) - 0.5


def test_bad_requests():
    for bits, message in {0: "at least 1, got 0", 9: "at most 8, got 9"}.items():
        with pytest.raises(ValueError, match=f"bits must be {message}"):
            targets.from_colours(IMAGE, bits=bits)
    with pytest.raises(ValueError, match="there is no picture 'nowhere'"):
        targets.from_colours("nowhere")
