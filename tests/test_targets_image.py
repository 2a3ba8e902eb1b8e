"""Pictures as densities, whatever the file."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from PIL import Image, ImageOps

from normflows_tut import _images, datasets, targets

SEED = [5, 2]
LUMA = np.array([0.2126, 0.7152, 0.0722])


@pytest.fixture(scope="module")
def colours():
    return np.random.default_rng(0).integers(0, 256, size=(12, 17, 4), dtype=np.uint8)


def _save(tmp_path, image, name="picture.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


# What a file or an array says.


def test_grey(tmp_path, colours):
    grey = colours[..., 0]
    image = _images.read(_save(tmp_path, Image.fromarray(grey)))
    np.testing.assert_allclose(image, grey / 255, rtol=0, atol=1e-6)
    assert (image[grey == 255] == 1).all()


def test_rgb_and_rgba(tmp_path, colours):
    luminance = colours[..., :3] / 255 @ LUMA
    alpha = colours[..., 3] / 255
    rgb = _images.read(_save(tmp_path, Image.fromarray(colours[..., :3])))
    np.testing.assert_allclose(rgb, luminance, rtol=0, atol=1e-6)
    rgba = _images.read(_save(tmp_path, Image.fromarray(colours)))
    np.testing.assert_allclose(rgba, 1 - alpha * (1 - luminance), rtol=0, atol=1e-6)


def test_jpeg(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    path = _save(tmp_path, Image.fromarray(ramp), "picture.jpg", quality=95)
    np.testing.assert_allclose(_images.read(path), ramp / 255, rtol=0, atol=0.02)


def test_cmyk_jpeg(tmp_path, colours):
    rgb = Image.new("RGB", (16, 16), (200, 30, 90))
    path = _save(tmp_path, rgb.convert("CMYK"), "picture.jpg", quality=95)
    expected = np.array([200, 30, 90]) / 255 @ LUMA
    np.testing.assert_allclose(_images.read(path), expected, rtol=0, atol=0.02)


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image = Image.frombytes("P", (3, 1), image.tobytes())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    path = _save(tmp_path, image, transparency=0)
    np.testing.assert_allclose(_images.read(path), [[1, LUMA[0], LUMA[2]]], rtol=0, atol=1e-6)


def test_grey_with_a_transparent_value(tmp_path):
    image = Image.fromarray(np.array([[0, 7]], np.uint8))
    path = _save(tmp_path, image, transparency=0)
    np.testing.assert_allclose(_images.read(path), [[1, 7 / 255]], rtol=0, atol=1e-6)


def test_sixteen_bits(tmp_path):
    grey = np.array([[0, 1000, 65535]], np.uint16)
    for source in (_save(tmp_path, Image.fromarray(grey)), grey):
        np.testing.assert_allclose(_images.read(source), grey / 65535, rtol=0, atol=1e-6)


def test_one_bit(tmp_path):
    path = _save(tmp_path, Image.fromarray(np.array([[True, False]])))
    np.testing.assert_array_equal(_images.read(path), [[1, 0]])


def test_grey_with_alpha(tmp_path):
    pixels = np.array([[[0, 0], [0, 255], [102, 128]]], np.uint8)
    path = _save(tmp_path, Image.frombytes("LA", (3, 1), pixels.tobytes()))
    np.testing.assert_allclose(_images.read(path), [[1, 0, 1 - 128 / 255 * 0.6]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation, colours):
    image = Image.fromarray(colours[..., 0])
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _save(tmp_path, image, exif=exif)
    with Image.open(path) as stored:
        upright = np.asarray(ImageOps.exif_transpose(stored)) / 255
    np.testing.assert_allclose(_images.read(path), upright, rtol=0, atol=1e-6)


def test_arrays_of_every_kind(colours):
    grey = colours[..., 0]
    for array in (grey, grey[..., None], grey / 255, (grey / 255).astype(np.float32)):
        np.testing.assert_allclose(_images.read(array), grey / 255, rtol=0, atol=1e-6)
    luminance = colours[..., :3] / 255 @ LUMA
    np.testing.assert_allclose(_images.read(colours[..., :3]), luminance, rtol=0, atol=1e-6)
    np.testing.assert_allclose(_images.read(colours[..., :3] / 255), luminance, rtol=0, atol=1e-6)
    np.testing.assert_allclose(_images.read(tf.constant(grey)), grey / 255, rtol=0, atol=1e-6)


def test_a_long_picture_is_averaged_down_and_says_so():
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(500, 1501)).astype(np.float32)
    with pytest.warns(UserWarning, match="1501 x 500 .* 2 x 2 to 751 x 250") as record:
        target = targets.from_image(image)
    assert record[0].filename == __file__
    blocks = image[:, :1500].reshape(250, 2, 750, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(target.image[:, :750], blocks, rtol=0, atol=1e-6)
    # The last column of blocks is half picture, half white.
    edge = (image[::2, -1] + image[1::2, -1]) / 4 + 0.5
    np.testing.assert_allclose(target.image[:, 750], edge, rtol=0, atol=1e-6)


def test_strips_do_not_show(monkeypatch, tmp_path, colours):
    path = _save(tmp_path, Image.fromarray(colours))
    with pytest.warns(UserWarning, match="5 x 5"):
        whole = _images.read(path, max_side=4)
    monkeypatch.setattr(_images, "_STRIP_PIXELS", 1)
    with pytest.warns(UserWarning, match="5 x 5"):
        strips = _images.read(path, max_side=4)
    np.testing.assert_array_equal(whole, strips)


@pytest.mark.filterwarnings("error")
def test_a_hundred_million_pixels(tmp_path):
    """Beyond Pillow's own warning limit, which stays as it was."""
    limit = Image.MAX_IMAGE_PIXELS
    big = Image.new("L", (10_000, 10_000), 255)
    big.paste(0, (0, 0, 5000, 5000))
    path = _save(tmp_path, big, compress_level=1)
    with pytest.warns(UserWarning, match="10000 x 10000 .* 10 x 10 to 1000 x 1000"):
        target = targets.from_image(path)
    assert limit == Image.MAX_IMAGE_PIXELS
    assert target.log_prob([-1.0, 1.0]).numpy() == pytest.approx(-np.log(16), abs=1e-5)
    assert target.log_prob([1.0, 1.0]).numpy() == -np.inf


# The density.


def test_the_picture_stands_upright_in_its_box():
    image = np.ones((3, 6))
    image[0, 0] = 0  # black, top left
    image[2, 5] = 0.5  # half as likely, bottom right
    target = targets.from_image(image, dtype=tf.float64)
    assert target.bounds == ((-4, 4), (-2, 2))
    area = (8 / 6) * (4 / 3)
    np.testing.assert_allclose(target.log_prob([-3.9, 1.9]), np.log(2 / 3 / area), rtol=1e-6)
    np.testing.assert_allclose(target.log_prob([3.9, -1.9]), np.log(1 / 3 / area), rtol=1e-6)
    assert (target.log_prob([[-3.9, -1.9], [0, 0], [-4.1, 1.9], [0, 9]]).numpy() == -np.inf).all()
    expected = -2 / 3 * np.log(2 / 3 / area) - 1 / 3 * np.log(1 / 3 / area)
    assert target.entropy().numpy() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(target.image, image.astype(np.float32))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_the_word_integrates_to_one_and_its_samples_follow_it(dtype):
    target = targets.from_image(datasets.data_path("word.png"), dtype=dtype)
    rows, columns = target.image.shape
    (x0, x1), (y0, y1) = target.bounds
    x = x0 + (np.arange(columns) + 0.5) / columns * (x1 - x0)
    y = y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    mass = np.exp(target.log_prob(grid).numpy().astype(np.float64))
    mass *= (x1 - x0) * (y1 - y0) / mass.size
    assert mass.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(mass[::-1] / mass.max(), (1 - target.image) / 1.0, rtol=0, atol=1e-5)

    n = 50_000
    points = target.sample(n, seed=SEED).numpy()
    log_prob = target.log_prob(points).numpy()
    assert np.isfinite(log_prob).all()
    entropy = target.entropy().numpy()
    assert abs(-log_prob.mean() - entropy) < 4 * log_prob.std() / np.sqrt(n)  # 1 in 16,000

    counts, _, _ = np.histogram2d(*points.T, bins=(40, 18), range=target.bounds)
    expected = n * mass.T.reshape(40, 8, 18, 8).sum(axis=(1, 3))
    full = expected >= 5
    statistic = ((counts - expected)[full] ** 2 / expected[full]).sum()
    assert scipy.stats.chi2.sf(statistic, full.sum() - 1) > 1e-4
    assert counts[expected == 0].sum() == 0


def test_a_million_cells_are_drawn_exactly():
    """Two black pixels far apart among 1024 x 1024, and a faint one in a thousand."""
    image = np.ones((1024, 1024))
    image[0, 0] = image[1023, 1023] = 0
    image[400, 300] = 1 - 2 / 1024
    target = targets.from_image(image)
    n = 200_000
    draw = tf.function(lambda: target.sample(n, seed=SEED), jit_compile=True)
    points = draw().numpy()
    assert np.isfinite(target.log_prob(points).numpy()).all()
    pixel = np.floor((points + 4) * 128).astype(int)
    cells, counts = np.unique(pixel[:, 0] + 10_000 * (1023 - pixel[:, 1]), return_counts=True)
    np.testing.assert_array_equal(cells, [0, 4_000_300, 10_231_023])
    assert scipy.stats.chisquare(counts, n * np.array([1, 2 / 1024, 1]) / (2 + 2 / 1024))[1] > 1e-4


def test_samples_fill_a_pixel():
    target = targets.from_image(np.zeros((1, 2)))
    points = target.sample(20_000, seed=SEED).numpy()
    for axis, (low, high) in enumerate(target.bounds):
        unit = (points[:, axis] - low) / (high - low)
        assert scipy.stats.kstest(unit, "uniform").pvalue > 1e-4


def test_all_of_a_noisy_picture_is_within_its_own_support():
    """Odd sizes, where cell edges are not float32 numbers, and empty cells everywhere."""
    image = np.random.default_rng(0).integers(0, 2, size=(601, 997)).astype(np.uint8) * 255
    target = targets.from_image(image)
    points = tf.function(lambda: target.sample(300_000, seed=SEED), jit_compile=True)()
    assert np.isfinite(target.log_prob(points).numpy()).all()


def test_copy_keeps_the_picture():
    target = targets.from_image(np.array([[0.0, 0.25]]))
    twin = target.copy(name="twin")
    np.testing.assert_array_equal(twin.image, target.image)
    np.testing.assert_array_equal(twin.log_prob([1.0, 0.0]), target.log_prob([1.0, 0.0]))


@pytest.mark.parametrize("size", [(1, 1), (10, 10), (1, 10)])
def test_small_pictures(size):
    target = targets.from_image(np.zeros(size, np.uint8))
    assert np.isfinite(target.log_prob(target.sample(50, seed=SEED))).all()


# Refusals.


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 4)), "blank: all 4 x 3 pixels"),
        (np.full((3, 4), 255, np.uint8), "blank"),
        (np.zeros((2, 2, 4), np.uint8), "blank"),  # all transparent
        (np.array([[0.5, np.nan]]), r"row 0, column 1 .* \[nan\]"),
        (np.array([[0.5, 1.5]]), r"\[0, 1\], .* 0\.5 to 1\.5"),
        (np.array([[-0.5, 1.0]]), r"-0\.5 to 1"),
        (np.zeros(3), r"shape \[3\]"),
        (np.zeros((2, 2, 2)), r"shape \[2, 2, 2\]"),
        (np.zeros((0, 4)), r"empty: shape \[0, 4\]"),
        (np.zeros((2, 2), np.int64), "int64"),
    ],
)
def test_arrays_that_are_refused(array, message):
    with pytest.raises(ValueError, match=message):
        targets.from_image(array)


def test_files_that_are_refused(tmp_path, colours):
    with pytest.raises(ValueError, match=r"there is no picture .*gone\.png"):
        targets.from_image(tmp_path / "gone.png")
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    with pytest.raises(ValueError, match=r"text\.png' cannot be read as a picture"):
        targets.from_image(text)
    whole = _save(tmp_path, Image.fromarray(colours)).read_bytes()
    half = tmp_path / "half.png"
    half.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half\.png' cannot be read as a picture"):
        targets.from_image(str(half))
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        targets.from_image(tmp_path)
    bright = Image.fromarray(np.array([[0, 100_000]], np.int32))  # 16 bits would wrap around
    bright.save(tmp_path / "bright.tiff")
    with pytest.raises(ValueError, match=r"bright\.tiff' .* from 0 to 100000, beyond 16 bits"):
        targets.from_image(tmp_path / "bright.tiff")
    white = _save(tmp_path, Image.new("RGB", (20, 10), "white"), "white.png")
    with pytest.raises(ValueError, match=r"white\.png is blank: all 20 x 10 pixels"):
        targets.from_image(white)


def test_max_side_is_refused():
    with pytest.raises(ValueError, match=r"max_side.*0"):
        targets.from_image(np.zeros((2, 2)), max_side=0)
