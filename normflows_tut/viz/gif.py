"""Frames to GIF: one palette for all of them, and never too heavy for a page."""

import base64
import html
import io

import imageio.v3 as imageio
import numpy as np
from PIL import Image

from normflows_tut._checks import non_negative_float, positive_float, positive_int

MAX_BYTES = 450_000


def figure_frame(figure):
    """Draws `figure` and returns its pixels, uint8 `[height, width, 3]`."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def frames_to_gif(frames, *, fps=12, hold=1.0, colours=64, max_bytes=MAX_BYTES):
    """Packs frames into an animated GIF that repeats for ever.

    All frames share one palette and nothing is dithered, so that what does not change costs
    nothing. A GIF above `max_bytes` is made again with three quarters and with half of the colours,
    then with every second frame.

    Args:
      frames: List of arrays `[height, width, 3]` of uint8, all of one shape.
      fps: Frames a second, above 0.
      hold: Seconds for which the last frame stays.
      colours: How many colours the palette has, 4 to 256.
      max_bytes: Largest size.

    Returns:
      The bytes of the GIF.

    Raises:
      ValueError: There are no frames, they differ in shape, `colours` is out of range, or the
        GIF stays too large; the message has the size.
    """
    frames = [np.asarray(frame) for frame in frames]
    if not frames:
        raise ValueError("frames is empty: a GIF needs at least one.")
    for k, frame in enumerate(frames):
        if frame.dtype != np.uint8 or frame.shape != frames[0].shape or frame.shape[2:] != (3,):
            raise ValueError(
                f"frame {k} is {frame.dtype}{list(frame.shape)}; all must be uint8 "
                f"[height, width, 3] of the shape of the first, {list(frames[0].shape)}."
            )
    fps, hold = positive_float("fps", fps), non_negative_float("hold", hold)
    if not 4 <= positive_int("colours", colours) <= 256:
        raise ValueError(f"colours must be from 4 to 256, got {colours!r}.")
    for step in (1, 2):
        for entries in (colours, colours * 3 // 4, colours // 2):
            content = _encode([*frames[:-1:step], frames[-1]], fps / step, hold, entries)
            if len(content) <= max_bytes:
                return content
    raise ValueError(
        f"the GIF has {len(content):,} bytes with {entries} colours and every second frame, "
        f"more than {max_bytes:,}: draw smaller or fewer frames."
    )


def _encode(frames, fps, hold, colours):
    palette = _shared_palette(frames, colours - 1)  # One entry is left for "as before".
    indices = [
        np.asarray(Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE))
        for frame in frames
    ]
    durations = [round(1000 / fps)] * (len(indices) - 1) + [round(1000 * hold)]
    return imageio.imwrite(
        "<bytes>",
        np.stack(indices),
        extension=".gif",
        plugin="pillow",
        mode="P",
        palette=bytes(palette.getpalette()[: 3 * (colours - 1)]),
        duration=durations if len(durations) > 1 else durations[0],
        loop=0,
        disposal=1,
    )


def _shared_palette(frames, colours):
    """Returns a palette image of `colours` entries, the commonest pixel exactly among them.

    Every colour counts by the root of its area: otherwise a large background would take
    most of the entries, and thin things, such as a label, would be drawn in another's.
    """
    pixels = np.concatenate([frame[::2, ::2].reshape(-1, 3) for frame in frames]).astype(np.uint32)
    codes = pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]
    codes, counts = np.unique(codes, return_counts=True)
    shades = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
    weights = np.maximum(1, np.sqrt(counts)).astype(int)
    sample = np.repeat(shades, weights, axis=0)[None]
    palette = Image.fromarray(sample).quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=3)
    entries = np.array(palette.getpalette()[: 3 * colours]).reshape(-1, 3)
    background = shades[np.argmax(counts)].astype(int)
    entries[np.argmin(((entries - background) ** 2).sum(axis=1))] = background
    palette.putpalette(entries.astype(np.uint8).tobytes())
    return palette


def frames_between(num_layers):
    """Returns how many frames lead from a layer to the next so that a GIF stays light."""
    return max(1, min(8, 36 // num_layers))


def show_gif(gif, alt, *, width=None):
    """Shows a GIF in a notebook, with a description for those who cannot see it.

    Args:
      gif: Bytes of a GIF.
      alt: What the animation shows, in a sentence.
      width: Width on the page in CSS pixels; that of the GIF by default.

    Returns:
      An `IPython.display.HTML`.

    Raises:
      ValueError: `alt` is blank.
    """
    from IPython.display import HTML  # only a notebook needs it

    if not alt.strip():
        raise ValueError(f"alt must say what the animation shows, got {alt!r}.")
    width = Image.open(io.BytesIO(gif)).width if width is None else width
    data = base64.b64encode(gif).decode()
    return HTML(
        f'<img src="data:image/gif;base64,{data}" alt="{html.escape(alt)}" '
        f'width="{width}" class="dark-light" style="max-width: 100%">'
    )
