"""Images side by side, one after another, and the way from one to the next."""

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from normflows_tut._checks import data_array, positive_float, positive_int
from normflows_tut.viz.gif import frames_to_gif
from normflows_tut.viz.theme import style


def tile_images(images, columns, *, zoom=1, white=255.0):
    """Puts images side by side, row after row, as one picture.

    A pixel of value v becomes `round(255 * clip(v / white, 0, 1))`.

    Args:
      images: Array `[n, height, width, channels]`, with 1 channel (grey) or 3 (red, green, blue).
      columns: Images in a row, a divisor of n.
      zoom: Each pixel is drawn as a square of zoom x zoom.
      white: The value that is white; 0 is black, and what lies outside is cut off.

    Returns:
      uint8 `[n / columns * height * zoom, columns * width * zoom, 3]`.

    Raises:
      ValueError: The shape is another, n is no multiple of `columns`, or a value is not finite.

    Example:
      >>> tile_images(np.zeros([12, 28, 28, 1]), columns=6).shape
      (56, 168, 3)
    """
    images, columns = np.asarray(images), positive_int("columns", columns)
    zoom, white = positive_int("zoom", zoom), positive_float("white", white)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            "images must be [n, height, width, channels] with 1 or 3 channels, got "
            f"{list(images.shape)}."
        )
    n, height, width, channels = images.shape
    if n % columns:
        raise ValueError(f"{n} images do not fill rows of {columns}: columns must divide {n}.")
    for k, image in enumerate(images):
        if not np.isfinite(image).all():
            raise ValueError(f"images must be finite, image {k} (counted from 0) is not.")
    shades = np.rint(255 * np.clip(images.astype(np.float64) / white, 0, 1)).astype(np.uint8)
    rows = shades.reshape(n // columns, columns, height, width, channels)
    picture = rows.transpose(0, 2, 1, 3, 4).reshape(-1, columns * width, channels)
    picture = np.repeat(picture, 3 // channels, axis=-1)
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def image_grid(images, columns, ax=None, *, white=255.0, title=None):
    """Draws images side by side, row after row.

    Args:
      images: Array `[n, height, width, channels]`, with 1 channel (grey) or 3 (red, green, blue).
      columns: Images in a row, a divisor of n.
      ax: Axes; new ones by default.
      white: The value that is white; 0 is black.
      title: Title of the axes.

    Returns:
      The Axes.

    Raises:
      ValueError: As `tile_images`.
    """
    picture = tile_images(images, columns, white=white)
    with style():
        if ax is None:
            size = (6.4, 6.4 * picture.shape[0] / picture.shape[1] + (0.3 if title else 0))
            _, ax = plt.subplots(figsize=size, layout="constrained")
        ax.imshow(picture)
        ax.set_axis_off()
        if title:
            ax.set_title(title)
    return ax


def image_png(images, columns, *, zoom=2, white=255.0):
    """Packs images side by side into a picture for `widgets.LayerScrubber`.

    Args:
      images: Array `[n, height, width, channels]`, with 1 channel (grey) or 3 (red, green, blue).
      columns: Images in a row, a divisor of n.
      zoom: Each pixel is drawn as a square of zoom x zoom.
      white: The value that is white; 0 is black.

    Returns:
      Bytes of a PNG.

    Raises:
      ValueError: As `tile_images`.
    """
    picture = Image.fromarray(tile_images(images, columns, zoom=zoom, white=white))
    if np.shape(images)[-1] == 1:
        picture = picture.convert("L")  # the three are alike
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def image_gif(images, *, zoom=6, white=255.0, fps=10, hold=1.0):
    """Animates images, one after another.

    Args:
      images: Array `[n, height, width, channels]`, with 1 channel (grey) or 3 (red, green, blue).
      zoom: Each pixel is drawn as a square of zoom x zoom.
      white: The value that is white; 0 is black.
      fps: Images a second.
      hold: Seconds for which the last one stays.

    Returns:
      Bytes of a GIF, for `show_gif`.

    Raises:
      ValueError: As `tile_images` and `frames_to_gif`.
    """
    column = tile_images(images, 1, zoom=zoom, white=white)
    return frames_to_gif(np.split(column, len(images)), fps=fps, hold=hold)


def arc(stops, steps):
    """Points on the way from stop to stop, along arcs: a walk in the base of a flow.

    With a = z_0 / |z_0|, b = z_1 / |z_1| and w the angle between them, at t from 0 to 1

      z(t) = ((1 - t) |z_0| + t |z_1|) (sin((1 - t) w) a + sin(t w) b) / sin(w),

    which turns evenly, while the length changes in proportion. The straight line would be shorter
    in its middle: between two draws of a normal base in many dimensions by a factor of sqrt(2),
    where the base has next to no mass.

    Args:
      stops: Array `[k, d]` of at least two points, none of them 0.
      steps: Steps from a stop to the next.

    Returns:
      Array `[(k - 1) * steps + 1, d]`; the stops are its rows `[::steps]`.

    Raises:
      ValueError: There are fewer than two stops; one is 0; or two that follow each other point in
        opposite directions, between which no arc is the shortest.

    Reference:
      Shoemake (1985), Animating Rotation with Quaternion Curves, for points of one length.

    Example:
      >>> arc([[2.0, 0.0], [0.0, 2.0]], steps=2).round(2).tolist()
      [[2.0, 0.0], [1.41, 1.41], [0.0, 2.0]]
    """
    stops, steps = data_array(stops, dtype=np.float64, name="stops"), positive_int("steps", steps)
    if len(stops) < 2:
        raise ValueError(f"stops must be at least two points, got {len(stops)}.")
    lengths = np.linalg.norm(stops, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(f"stop {np.argmin(lengths)} (counted from 0) is 0: it has no direction.")
    t = np.arange(steps)[:, np.newaxis] / steps
    points, units = [], stops / lengths
    for k in range(len(stops) - 1):
        a, b = units[k], units[k + 1]
        # Of two chords, which keeps its digits for small angles; arccos(a @ b) does not.
        angle = 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))
        if np.pi - angle < 1e-6:
            raise ValueError(f"stops {k} and {k + 1} (counted from 0) are opposite: no one arc.")
        # sin(x w) / sin(w), without 0 / 0 where the stops are on one ray.
        of_a, of_b = (x * np.sinc(x * angle / np.pi) / np.sinc(angle / np.pi) for x in (1 - t, t))
        points.append(((1 - t) * lengths[k] + t * lengths[k + 1]) * (of_a * a + of_b * b))
    return np.concatenate([*points, stops[-1:]])
