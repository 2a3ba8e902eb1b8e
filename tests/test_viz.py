"""Pictures: what they show, how heavy they are, and that they leave matplotlib alone."""

import io
import types

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow_probability as tfp
from PIL import Image

from normflows_tut import flows, targets, viz
from normflows_tut.bijectors import initialize_act_norms
from normflows_tut.evaluation import Estimate

tfd = tfp.distributions


@pytest.fixture(autouse=True)
def _leaves_matplotlib_alone():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def flow():
    flow = flows.real_nvp(2, 3)
    rng = np.random.default_rng(0)
    for variable in flow.trainable_variables:
        variable.assign_add(0.05 * rng.normal(size=variable.shape))
    initialize_act_norms(flow.bijector, 5.0 + rng.normal(size=[100, 2]))
    return flow


def _luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def _contrast(one, other):
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_text_reads_on_both_pages():
    assert _contrast(viz.GREY, "#ffffff") >= 4.5
    assert _contrast(viz.GREY, "#121212") >= 4.0
    assert _contrast(viz.CHALK, viz.INK) >= 7.0


def test_a_density_is_drawn_where_it_is():
    ax = viz.density(tfd.MultivariateNormalDiag([1.0, 0.0]), bounds=((-4, 4), (-2, 2)))
    pixels = ax.images[0].get_array()
    assert pixels.shape == (128, 256)
    row, column = np.unravel_index(np.argmax(pixels), pixels.shape)
    x, y = -4 + 8 * (column + 0.5) / 256, -2 + 4 * (row + 0.5) / 128
    # Everything above the 99.8% quantile is equally bright.
    assert abs(x - 1) < 0.2
    assert abs(y) < 0.2
    assert ax.get_xlim() == (-4, 4)


def test_density_grid_is_the_density():
    target = tfd.MultivariateNormalDiag([0.0, 0.0])
    grid = viz.density_grid(target, ((-6, 6), (-6, 6)), resolution=200)
    assert grid.sum() * (12 / 200) ** 2 == pytest.approx(1.0, abs=1e-5)


def test_samples_draws_the_points():
    points = np.array([[0.0, 1.0], [2.0, 3.0], [1.0, 1.0]])
    ax = viz.samples(points, colors=["red", "green", "blue"])
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), points)
    with pytest.raises(ValueError, match=r"\[n, 2\], got \[3\]"):
        viz.samples(np.zeros(3))


def test_density_beside_truth_shares_one_scale(flow):
    axes = viz.density_beside_truth(targets.make("moons"), flow, resolution=40)
    assert len(axes) == 3
    assert axes[0].get_xlim() == axes[1].get_xlim() == axes[2].get_xlim()


def test_the_four_quadrants_have_four_colours():
    colours = viz.quadrant_colors([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    assert colours.tolist() == [viz.YELLOW, viz.SKY, viz.BLUE, viz.VERMILLION]


def test_layer_points_go_from_the_base_to_the_data(flow):
    z, stages = viz.layer_points(flow, num_points=50, seed=1)
    assert stages.shape == (4, 50, 2)
    np.testing.assert_allclose(stages[-1], flow.bijector.forward(z), rtol=0, atol=1e-5)
    # The base, in the units of the data: an affine image of z.
    scale = np.diff(stages[0][:2], axis=0) / np.diff(z[:2], axis=0)
    np.testing.assert_allclose(
        np.diff(stages[0], axis=0), np.diff(z, axis=0) * scale, rtol=0, atol=1e-4
    )


def test_layer_strip_has_a_panel_for_the_base_and_each_layer(flow):
    axes = viz.layer_strip(flow, num_points=100)
    assert [ax.get_title() for ax in axes] == ["base", *(f"layer {k} of 3" for k in (1, 2, 3))]
    offsets = axes[-1].collections[0].get_offsets()
    np.testing.assert_allclose(offsets, viz.layer_points(flow, 100)[1][-1])


def _seconds(image):
    durations = []
    for k in range(image.n_frames):
        image.seek(k)
        durations.append(image.info["duration"])
    return sum(durations) / 1000


def test_layer_gif(flow):
    gif = viz.layer_gif(flow, num_points=500, frames_per_layer=4, hold=2, fps=10, pixels=200)
    image = Image.open(io.BytesIO(gif))
    assert len(gif) <= 450_000
    assert max(image.size) == 200
    # A frame that repeats the one before is stored as a longer duration.
    assert image.n_frames == 1 + 3 * 4
    assert _seconds(image) == pytest.approx((2 + 3 * (4 + 2) - 1) / 10 + 1.5, abs=0.05)


def test_png_frames_are_the_layers(flow):
    pictures, labels = viz.png_frames(flow, num_points=200, pixels=200)
    assert labels == ["base", "layer 1 of 3", "layer 2 of 3", "layer 3 of 3"]
    assert len({Image.open(io.BytesIO(picture)).size for picture in pictures}) == 1
    assert len(set(pictures)) == 4


def test_a_warped_grid_is_the_image_of_the_grid():
    scale = tfp.bijectors.Scale([2.0, 0.5])
    ax = viz.warped_grid(scale, grid=((-1, 1), (-1, 1)))
    ends = np.concatenate(ax.collections[0].get_segments())
    np.testing.assert_allclose(np.abs(ends).max(axis=0), [2.0, 0.5], rtol=1e-6)


def test_warped_grid_gif_takes_a_list_of_bijectors(flow):
    steps = [tfp.bijectors.Shift([1.0, 0.0]), tfp.bijectors.Scale([2.0, 2.0])]
    gif = viz.warped_grid_gif(steps, labels=["a", "b", "c"], frames_per_layer=3, hold=1, pixels=150)
    assert Image.open(io.BytesIO(gif)).n_frames == 1 + 2 * 3
    with pytest.raises(ValueError, match="3 stages need as many labels, got \\['a'\\]"):
        viz.warped_grid_gif(steps, labels=["a"])


def test_density_gif(flow):
    stages = [targets.make("circles"), targets.make("moons")]
    gif = viz.density_gif(stages, ["circles", "moons"], resolution=40, pixels=120)
    assert Image.open(io.BytesIO(gif)).n_frames == 2
    with pytest.raises(ValueError, match="2 distributions need as many labels"):
        viz.density_gif(stages, ["circles"])


@pytest.mark.parametrize("most", [64, 256])
def test_gifs_share_one_palette(most):
    rng = np.random.default_rng(0)
    frames = [np.full([40, 40, 3], shade, np.uint8) for shade in (0, 90, 200)]
    frames[1][:20] = rng.integers(0, 256, [20, 40, 3])
    gif = viz.frames_to_gif(frames, colours=most)
    image, colours = Image.open(io.BytesIO(gif)), set()
    for k in range(image.n_frames):
        image.seek(k)
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        colours |= set(map(tuple, pixels.tolist()))
    assert most // 2 < len(colours) <= most


def test_a_gif_that_is_too_heavy_is_made_lighter_or_refused():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, [60, 60, 3], dtype=np.uint8) for _ in range(9)]
    whole = viz.frames_to_gif(noise)
    lighter = viz.frames_to_gif(noise, max_bytes=len(whole) * 2 // 3)
    assert len(lighter) <= len(whole) * 2 // 3
    assert Image.open(io.BytesIO(lighter)).n_frames == 5
    with pytest.raises(ValueError, match="more than 100"):
        viz.frames_to_gif(noise, max_bytes=100)


def test_frames_are_checked():
    with pytest.raises(ValueError, match="frames is empty"):
        viz.frames_to_gif([])
    frames = [np.zeros([4, 4, 3], np.uint8), np.zeros([4, 5, 3], np.uint8)]
    with pytest.raises(ValueError, match=r"frame 1 is uint8\[4, 5, 3\]"):
        viz.frames_to_gif(frames)
    with pytest.raises(ValueError, match=r"frame 0 is uint8\[4, 4, 4\]"):
        viz.frames_to_gif([np.zeros([4, 4, 4], np.uint8)] * 2)
    with pytest.raises(ValueError, match="colours must be from 4 to 256, got 300"):
        viz.frames_to_gif(frames[:1], colours=300)


def test_one_frame_is_a_gif_too():
    gif = viz.frames_to_gif([np.zeros([4, 4, 3], np.uint8)])
    assert Image.open(io.BytesIO(gif)).n_frames == 1


def test_show_gif_needs_and_escapes_its_description():
    gif = viz.frames_to_gif([np.zeros([4, 4, 3], np.uint8)] * 2)
    assert 'alt="&lt;a&gt; &quot;grid&quot;"' in viz.show_gif(gif, alt='<a> "grid"').data
    with pytest.raises(ValueError, match="alt must say"):
        viz.show_gif(gif, alt=" ")


def test_loss_shows_training_validation_and_entropy():
    history = types.SimpleNamespace(
        step=np.arange(100),
        loss=np.linspace(3.0, 1.0, 100),
        validation_step=np.array([50, 100]),
        validation_loss=np.array([2.0, 1.2]),
    )
    ax = viz.loss(history, entropy=0.9)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["training", "validation", "entropy"]
    assert ax.get_ylim()[0] < 0.9


def test_kl_trace_shows_one_standard_error():
    ax = viz.kl_trace([Estimate(2.0, 0.1), Estimate(1.0, 0.05), Estimate(0.1, 0.01)], label="flow")
    line, _, bars = ax.containers[0]
    np.testing.assert_array_equal(line.get_ydata(), [2.0, 1.0, 0.1])
    low, high = bars[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((1.9, 2.1))


def test_kl_trace_keeps_its_bars_on_a_logarithmic_axis():
    ax = viz.kl_trace([Estimate(1.0, 0.1), Estimate(0.01, 0.02)])
    assert ax.get_yscale() == "log"
    _, _, bars = ax.containers[0]
    np.testing.assert_allclose(bars[0].get_segments()[1][:, 1], [0.001, 0.03])
    ax = viz.kl_trace([Estimate(1.0, 0.1), Estimate(-0.01, 0.02)])
    assert ax.get_yscale() == "linear"
    np.testing.assert_allclose(ax.containers[0][2][0].get_segments()[1][:, 1], [-0.03, 0.01])


def test_gif_keeps_the_canvas_and_thin_things_in_their_colours():
    frame = np.full([100, 100, 3], 255 * np.array(mpl.colors.to_rgb(viz.INK)), np.uint8)
    ink = frame[0, 0].copy()
    frame[40:60] = np.linspace(0, 255, 100)[None, :, None]  # many greys that want an entry
    frame[4:6, :30] = [240, 228, 66]
    image = Image.open(io.BytesIO(viz.frames_to_gif([frame, frame[::-1].copy()])))
    assert len(image.getpalette()) // 3 <= 64
    pixels = np.asarray(image.convert("RGB")).astype(int)
    np.testing.assert_array_equal(pixels[99, 99], ink)
    assert np.abs(pixels[4, 2] - [240, 228, 66]).max() < 12


def test_layer_gif_of_many_points_and_layers_is_drawn_lighter(monkeypatch):
    rng = np.random.default_rng(0)
    z = rng.normal(size=[6_000, 2])
    stages = np.stack([rng.permutation(z) for _ in range(9)])  # every point moves far
    monkeypatch.setattr("normflows_tut.viz.layers.layer_points", lambda *_: (z, stages))
    gif = viz.layer_gif(None, frames_per_layer=6, pixels=480)
    assert len(gif) <= 450_000
    image = Image.open(io.BytesIO(gif))
    assert max(image.size) == 480
    assert image.n_frames >= 9  # every layer is still there


@pytest.mark.parametrize(("num_layers", "columns"), [(3, 4), (6, 4), (8, 5), (16, 6)])
def test_layer_strip_has_rows_of_about_one_length(monkeypatch, num_layers, columns):
    z = np.random.default_rng(0).normal(size=[20, 2])
    stages = np.stack([z] * (num_layers + 1))
    monkeypatch.setattr("normflows_tut.viz.layers.layer_points", lambda *_: (z, stages))
    axes = viz.layer_strip(None)
    assert axes[0].get_gridspec().ncols == columns


def test_tiled_images_stand_row_after_row():
    images = np.arange(6 * 2 * 3).reshape(6, 2, 3, 1)
    picture = viz.tile_images(images, 3)
    assert picture.shape == (4, 9, 3)
    assert picture.dtype == np.uint8
    for k in range(6):
        i, j = 2 * (k // 3), 3 * (k % 3)
        for channel in range(3):
            np.testing.assert_array_equal(picture[i : i + 2, j : j + 3, channel], images[k, ..., 0])


def test_tiled_images_are_cut_off_and_enlarged():
    image = np.array([[[[-1.0, 0.0, 0.25], [0.502, 1.0, 7.0]]]])  # [1, 1, 2, 3]
    picture = viz.tile_images(image, 1, zoom=2, white=1.0)
    assert picture.shape == (2, 4, 3)
    assert picture[1].tolist() == [[0, 0, 64]] * 2 + [[128, 255, 255]] * 2


def test_image_grid_draws_the_tiles():
    images = np.random.default_rng(0).integers(0, 256, [4, 3, 5, 3])
    ax = viz.image_grid(images, 2, title="four")
    np.testing.assert_array_equal(ax.images[0].get_array(), viz.tile_images(images, 2))
    assert ax.get_title() == "four"
    assert viz.image_grid(images[..., :1], 4, ax) is ax
    assert ax.images[1].get_array().shape == (3, 20, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_image_png_keeps_every_shade(channels):
    images = np.random.default_rng(0).integers(0, 256, [4, 12, 12, channels])
    picture = Image.open(io.BytesIO(viz.image_png(images, 2, zoom=3)))
    assert picture.mode == {1: "L", 3: "RGB"}[channels]
    tiles = viz.tile_images(images, 2, zoom=3)
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), tiles)


def test_image_gif_shows_one_image_after_another():
    images = np.array([0.0, 0.5, 1.0]).reshape(3, 1, 1, 1) * np.ones([1, 4, 5, 1])
    gif = Image.open(io.BytesIO(viz.image_gif(images, zoom=2, white=1.0, fps=5, hold=1.0)))
    assert (gif.size, gif.n_frames) == ((10, 8), 3)
    assert _seconds(gif) == pytest.approx(2 / 5 + 1.0)
    for k, shade in enumerate([0, 128, 255]):
        gif.seek(k)
        np.testing.assert_array_equal(np.asarray(gif.convert("RGB")), shade)


def test_an_arc_turns_evenly_and_its_length_changes_in_proportion():
    stops = np.random.default_rng(0).normal(size=[3, 50])
    points = viz.arc(stops, 8)
    assert points.shape == (17, 50)
    np.testing.assert_allclose(points[::8], stops, rtol=0, atol=1e-12)
    lengths = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(lengths[:9], np.linspace(lengths[0], lengths[8], 9))
    units = points / lengths[:, None]
    turns = np.arccos(np.sum(units[1:] * units[:-1], axis=1))
    whole = [np.arccos(units[k] @ units[k + 8]) for k in (0, 8)]
    np.testing.assert_allclose(turns, np.repeat(whole, 8) / 8)
    # It stays in the plane of its two ends.
    assert np.linalg.matrix_rank(points[:9], tol=1e-8) == 2


def test_an_arc_on_one_ray_is_the_straight_line():
    points = viz.arc([[1.0, 1.0], [3.0, 3.0]], 4)
    np.testing.assert_allclose(points, np.linspace([1, 1], [3, 3], 5))
    near = viz.arc([[1.0, 0.0], [1.0, 1e-9]], 2)
    np.testing.assert_allclose(near[1], [1.0, 5e-10], rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.density(targets.make("moons"), bounds=(0, 1)), r"\(\(x0, x1\), \(y0, y1\)\)"),
        (lambda: viz.density(targets.make("moons"), bounds=((1, 0), (0, 1))), "rise from low"),
        (lambda: viz.density(targets.make("moons"), resolution=0), "resolution .* got 0"),
        (lambda: viz.density(tfd.Normal(0.0, 1.0)), r"bounds must be \(\(x0, x1\), \(y0, y1\)\)"),
        (lambda: viz.density(np.ones([4, 4]), bounds=((0, 1), (0, 1))), "log-density is needed"),
        (lambda: viz.density_gif([np.ones([4, 4])], ["a"]), "bounds must be given"),
        (lambda: viz.density_gif([], []), "distributions is empty"),
        (lambda: viz.samples(np.zeros([0, 2])), "points is empty"),
        (lambda: viz.samples([[0.0, 1.0], [np.nan, 2.0]]), "row 1 .*nan"),
        (lambda: viz.layer_strip(flows.planar(3, 1)), "flow over two coordinates"),
        (lambda: viz.layer_gif(flows.planar(2, 1), num_points=0), "num_points .* got 0"),
        (lambda: viz.layer_gif(flows.planar(2, 1), fps=0), "fps .* got 0"),
        (lambda: viz.layer_strip(flows.planar(2, 1), seed=None), "seed .* got None"),
        (lambda: viz.layer_strip(flows.planar(2, 1), columns=0), "columns .* got 0"),
        (lambda: viz.frames_to_gif([np.zeros([4, 4, 3], np.uint8)], fps=0), "fps .* got 0"),
        (lambda: viz.frames_to_gif([np.zeros([4, 4, 3], np.uint8)], hold=-1), "hold .* got -1"),
        (lambda: viz.loss(types.SimpleNamespace(loss=np.zeros(0))), "no loss to draw"),
        (lambda: viz.tile_images(np.zeros([4, 2, 2]), 2), r"1 or 3 channels, got \[4, 2, 2\]"),
        (lambda: viz.tile_images(np.zeros([4, 2, 2, 2]), 2), r"channels, got \[4, 2, 2, 2\]"),
        (lambda: viz.tile_images(np.zeros([0, 2, 2, 1]), 2), r"channels, got \[0, 2, 2, 1\]"),
        (lambda: viz.tile_images(np.zeros([4, 2, 2, 1]), 3), "columns must divide 4"),
        (lambda: viz.tile_images(np.zeros([4, 2, 2, 1]), 0), "columns .* got 0"),
        (lambda: viz.tile_images(np.full([1, 2, 2, 1], np.nan), 1), "image 0 .* is not"),
        (lambda: viz.image_grid(np.zeros([4, 2, 2, 1]), 2, white=0), "white .* got 0"),
        (lambda: viz.image_png(np.zeros([4, 2, 2, 1]), 2, zoom=0), "zoom .* got 0"),
        (lambda: viz.image_gif(np.zeros([4, 2, 2, 1]), fps=0), "fps .* got 0"),
        (lambda: viz.arc(np.ones([1, 2]), 3), "at least two points, got 1"),
        (lambda: viz.arc([[1.0, 0.0], [0.0, 0.0]], 3), "stop 1 .* is 0"),
        (lambda: viz.arc([[1.0, 0.0], [-2.0, 0.0]], 3), "stops 0 and 1 .* opposite"),
        (lambda: viz.arc([[1.0, 0.0], [0.0, 1.0]], 0), "steps .* got 0"),
    ],
)
def test_refusals_name_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_dark_figure_brings_its_ground():
    with viz.style(dark=True):
        dark, ax = plt.subplots()
        ax.set_title("a title")
    with viz.style():
        light = plt.figure()
    assert mpl.colors.to_hex(dark.get_facecolor()) == viz.INK
    assert ax.title.get_color() == viz.CHALK
    assert light.get_facecolor()[3] == 0
