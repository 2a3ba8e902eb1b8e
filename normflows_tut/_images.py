"""Reading a picture, whatever it is, as luminance in [0, 1] or in colours."""

import os
import warnings

import numpy as np
from PIL import Image, ImageOps

from normflows_tut import _checks

# Rec. 709 (ITU-R BT.709), applied to the values as stored.
RED_GREEN_BLUE = np.array([0.2126, 0.7152, 0.0722], np.float32)

_EXIF_ORIENTATION = 0x0112
# What a picture stored in each orientation needs in order to stand upright.
_UPRIGHT = {
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).T,
    8: lambda image: np.rot90(image, 1),
}

# Rows are converted to floats in strips of about this many pixels, so that a picture of 100
# million pixels needs little beyond its own bytes.
_STRIP_PIXELS = 2**22


def is_array(source):
    """Says whether `source` is an array rather than the path or file of a picture."""
    return not (isinstance(source, str | os.PathLike | Image.Image) or hasattr(source, "read"))


def read(source, *, max_side=None, stacklevel=2):
    """Reads the luminance [h, w] of a picture, float32 in [0, 1], row 0 at the top.

    Args:
      source: Path, binary file, Pillow image, or array [h, w] or [h, w, 1 | 3 | 4] of uint8,
        uint16, bool or floats in [0, 1].
      max_side: A longer picture is averaged down over blocks of k x k pixels, with the
        smallest k that makes it fit, and a UserWarning says so. None keeps all.
      stacklevel: Whose line the warning names; 2 is the caller of this function.

    Returns:
      Luminance [h, w]. White and transparent are 1, exactly.

    Raises:
      ValueError: There is no such picture, or it has no luminance.
    """
    if max_side is not None:
        max_side = _checks.positive_int("max_side", max_side)
    if is_array(source):
        array = _checked_array(source)
        ink, factor = _block_mean(lambda a, b: _ink(array[a:b]), array.shape[:2], max_side)
        size = array.shape[1::-1]
    else:
        ink, factor, size = _read_file(source, max_side)
    if factor > 1:
        warnings.warn(
            f"the picture of {size[0]} x {size[1]} pixels was averaged down over blocks of "
            f"{factor} x {factor} to {ink.shape[1]} x {ink.shape[0]} (max_side={max_side}).",
            stacklevel=stacklevel,
        )
    return 1 - ink


def read_colours(source):
    """Reads a picture of 8 bits a channel as uint8 [h, w, 3], transparent pixels on white.

    Args:
      source: Path, binary file, Pillow image, or array [h, w, 3] of uint8.

    Raises:
      ValueError: There is no such picture, or it has more than 8 bits a channel.
    """
    if not is_array(source):
        return _opened(source, _red_green_blue)
    array = np.asarray(source)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3 or array.size == 0:
        raise ValueError(
            "a picture must be uint8 [height, width, 3], "
            f"got {array.dtype} of shape {list(array.shape)}."
        )
    return array


def _red_green_blue(image):
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"its pixels are of mode {image.mode}: save it with 8 bits a channel")
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _checked_array(source):
    array = np.asarray(source)
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "a picture must have shape [h, w] or [h, w, 1 | 3 | 4], "
            f"got shape {list(np.shape(source))}."
        )
    if array.size == 0:
        raise ValueError(f"the picture is empty: shape {list(np.shape(source))}.")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array).all(axis=-1))[0]
            raise ValueError(
                f"the picture must be finite, but the pixel in row {row}, column {column} "
                f"(counted from 0) is {array[row, column].tolist()}."
            )
        if array.min() < 0 or array.max() > 1:
            raise ValueError(
                "a picture of floats must lie in [0, 1], but its values run from "
                f"{array.min():g} to {array.max():g}."
            )
    elif array.dtype not in (np.uint8, np.uint16, np.bool_):
        raise ValueError(f"a picture must be uint8, uint16 or floats in [0, 1], got {array.dtype}.")
    return array


def _ink(pixels):
    """Turns pixels [h, w, 1 | 3 | 4] into 1 - luminance [h, w], with exact zeros on white."""
    top = 1 if pixels.dtype.kind in "fb" else np.iinfo(pixels.dtype).max
    pixels = pixels.astype(np.float32) / np.float32(top)
    if pixels.shape[-1] == 1:
        return 1 - pixels[..., 0]
    ink = (1 - pixels[..., :3]) @ RED_GREEN_BLUE
    if pixels.shape[-1] == 4:
        ink = ink * pixels[..., 3]  # over white paper
    return np.clip(ink, 0, 1)  # the three float32 weights add up to 1 only nearly


def _read_file(source, max_side):
    return _opened(source, lambda image: _read_pillow(image, max_side))


def _opened(source, read_image):
    """Returns what `read_image` makes of the opened picture; says why if it cannot be read."""
    if isinstance(source, Image.Image):
        return read_image(source)
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 million pixels on; 10,000 x 10,000 is a fair photograph.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source) as image:
                return read_image(image)
    except FileNotFoundError:
        raise ValueError(f"there is no picture {str(source)!r}.") from None
    except Image.DecompressionBombError as error:
        raise ValueError(f"{str(source)!r} is too large a picture: {error}") from None
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files
        if isinstance(error, MemoryError):
            raise
        raise ValueError(
            f"{str(source)!r} cannot be read as a picture: {type(error).__name__}: {error}"
        ) from error


def _read_pillow(image, max_side):
    size = image.size
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    image.load()

    def strip(first, last):
        return _ink(_pixels(image.crop((0, first, image.width, last)), image.info))

    ink, factor = _block_mean(strip, (image.height, image.width), max_side)
    upright = np.ascontiguousarray(_UPRIGHT.get(orientation, np.asarray)(ink))
    return upright, factor, size if orientation < 5 else size[::-1]


def _pixels(image, info):
    """Pixels [h, w, 1 | 3 | 4] of a Pillow image, 8-bit or 16-bit."""
    if image.mode.startswith("I"):  # 16-bit grey; some versions of Pillow widen it to 32
        grey = np.asarray(image)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError(f"its pixels run from {grey.min()} to {grey.max()}, beyond 16 bits")
        grey = grey.astype(np.uint16)
        if "transparency" in info:
            grey = np.where(grey == info["transparency"], np.uint16(65535), grey)
        return grey[..., np.newaxis]
    if image.mode == "L" and "transparency" not in info:
        return np.asarray(image)[..., np.newaxis]
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    if image.mode == "F":
        raise ValueError("its pixels are floats of unknown scale: give them as an array")
    return np.asarray(image.convert("RGB"))


def _block_mean(strip, shape, max_side):
    """Means over k x k blocks of the rows that `strip(first, last)` returns, and k.

    Incomplete blocks at the lower and right edge are filled up with white.
    """
    height, width = shape
    k = 1 if max_side is None else -(-max(shape) // max_side)
    rows = max(1, _STRIP_PIXELS // (width * k)) * k
    means = []
    for first in range(0, height, rows):
        ink = strip(first, min(first + rows, height))
        ink = np.pad(ink, [(0, -ink.shape[0] % k), (0, -width % k)])
        blocks = ink.reshape(ink.shape[0] // k, k, ink.shape[1] // k, k)
        means.append(blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32))
    return np.concatenate(means), k
