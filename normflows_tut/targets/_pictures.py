"""A picture as a density."""

import tensorflow as tf

from normflows_tut import _images
from normflows_tut.targets._cells import Cells


class Picture(Cells):
    """The density of a picture: dark is likely. Made by `from_image`.

    Attributes:
      image: Luminance [height, width] in [0, 1] as a NumPy array, row 0 at the top.
      bounds: ((x0, x1), (y0, y1)); the longer side is [-4, 4].
    """

    def __init__(self, image, dtype=tf.float32, name="picture"):
        """Takes the luminance.

        Args:
          image: Luminance [height, width] in [0, 1], row 0 at the top, not all 1.
          dtype: tf.float32 or tf.float64.
          name: Name of the distribution.
        """
        parameters = dict(locals())
        self.image = image
        height, width = image.shape
        longest = max(height, width)
        x, y = 4 * width / longest, 4 * height / longest
        super().__init__(1 - image[::-1], ((-x, x), (-y, y)), dtype, name, parameters)


def from_image(path_or_array, *, max_side=1024, dtype=tf.float32):
    """Makes a density of a picture: the darker a pixel, the likelier its points.

        p(x) is proportional to 1 - luminance,  luminance = 0.2126 R + 0.7152 G + 0.0722 B

    constant over each pixel and 0 outside the picture. The weights are those of Rec. 709,
    applied to the values as they are stored: mid-grey (128 of 255) has half the mass of
    black. What is transparent counts as white. The picture stands upright, y pointing up,
    centred on the origin, its longer side reaching from -4 to 4.

    Args:
      path_or_array: A PNG or JPEG file, grey, RGB, with alpha, palette or 16-bit, whose EXIF
        orientation is respected; or an array [h, w] or [h, w, 1 | 3 | 4] of uint8, uint16 or
        floats in [0, 1], its first row on top.
      max_side: A longer picture is averaged down by the smallest whole factor that brings its
        sides to `max_side` pixels or fewer, and a UserWarning says so.
      dtype: tf.float32 or tf.float64.

    Returns:
      A distribution with exact `log_prob` and `entropy` and the attributes `bounds` and
      `image`, the luminance [h, w] that it was made of.

    Raises:
      ValueError: No such file, a file that is no picture, a picture without a dark spot,
        values that are not finite or not in [0, 1], or an array of another shape or dtype.

    Example:
      >>> from normflows_tut import datasets
      >>> target = from_image(datasets.data_path("word.png"))
      >>> bool(target.log_prob(target.sample(seed=[0, 0])) > -6.0)
      True
    """
    source = "the picture" if _images.is_array(path_or_array) else str(path_or_array)
    image = _images.read(path_or_array, max_side=max_side, stacklevel=3)
    if not (image < 1).any():
        raise ValueError(
            f"{source} is blank: all {image.shape[1]} x {image.shape[0]} pixels are white or "
            "transparent, so there is no mass to place."
        )
    return Picture(image, dtype=dtype)
