"""Photographs and their colours."""

import numpy as np
import pytest
from PIL import Image

from normflows_tut import datasets

NAMES = ("astronaut", "chelsea", "china", "coffee", "flower", "hubble", "retina", "rocket")


@pytest.mark.parametrize("name", NAMES)
def test_photographs(name):
    image = datasets.photograph(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    height, width, channels = image.shape
    assert channels == 3
    assert f"    {name:<11}{height} x {width}" in datasets.photograph.__doc__


def test_a_palette_is_the_pixels_and_noise():
    image = datasets.photograph("coffee")
    points = datasets.palette("coffee")
    assert points.dtype == np.float32
    assert points.min() >= 0
    assert points.max() < 1
    np.testing.assert_array_equal(np.floor(256 * points), image.reshape(-1, 3))
    noise = 256 * points - np.floor(256 * points)
    np.testing.assert_allclose(
        noise.mean(axis=0), 0.5, rtol=0, atol=5 * 0.29 / np.sqrt(len(points))
    )
    np.testing.assert_array_equal(points, datasets.palette(image))


def test_some_pixels():
    some = datasets.palette("coffee", 500, seed=1)
    assert some.shape == (500, 3)
    np.testing.assert_array_equal(some, datasets.palette("coffee", 500, seed=1))
    assert not np.array_equal(some, datasets.palette("coffee", 500, seed=2))
    colours = {tuple(c) for c in datasets.photograph("coffee").reshape(-1, 3).tolist()}
    assert {tuple(c) for c in np.floor(256 * some).astype(int).tolist()} <= colours


def test_white_stays_below_one():
    points = datasets.palette(np.full([100, 100, 3], 255, np.uint8))
    assert points.max() < 1


def test_pictures_of_the_reader(tmp_path):
    image = np.random.default_rng(0).integers(256, size=[6, 5, 3], dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    points = datasets.palette(tmp_path / "a.png")
    np.testing.assert_array_equal(np.floor(256 * points), image.reshape(-1, 3))
    transparent = np.zeros([6, 5, 4], np.uint8)
    transparent[..., 0] = 90
    Image.fromarray(transparent).save(tmp_path / "b.png")
    np.testing.assert_array_equal(np.floor(256 * datasets.palette(tmp_path / "b.png")), 255)
    Image.fromarray(image[..., 0]).save(tmp_path / "grey.png")
    grey = np.floor(256 * datasets.palette(tmp_path / "grey.png"))
    np.testing.assert_array_equal(grey, np.repeat(image[..., :1], 3, axis=-1).reshape(-1, 3))


def test_bad_requests(tmp_path):
    with pytest.raises(ValueError, match=r"unknown photograph 'cofee'.*coffee"):
        datasets.photograph("cofee")
    with pytest.raises(ValueError, match="there is no picture 'cofee'"):
        datasets.palette("cofee")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        datasets.palette(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"uint8 \[height, width, 3\], got float64"):
        datasets.palette(np.zeros([4, 4, 3]))
    with pytest.raises(ValueError, match="num_points must be at least 1, got 0"):
        datasets.palette("coffee", 0)
    Image.fromarray(np.full([4, 4], 40_000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="8 bits a channel"):
        datasets.palette(tmp_path / "deep.png")
