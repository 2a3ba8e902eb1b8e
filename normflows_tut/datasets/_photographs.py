"""Photographs with clean licences, and the colours of any picture."""

import numpy as np

from normflows_tut import _checks, _images, _noise

_SKIMAGE = {
    "astronaut": "astronaut",
    "chelsea": "chelsea",
    "coffee": "coffee",
    "hubble": "hubble_deep_field",
    "retina": "retina",
    "rocket": "rocket",
}
_SKLEARN = ("china", "flower")
NAMES = (*sorted([*_SKIMAGE, *_SKLEARN]),)


def photograph(name):
    """Returns one of eight photographs that come with scikit-image and scikit-learn.

    =========  ============  =======================================================
    astronaut  512 x 512     Eileen Collins; NASA, public domain
    chelsea    300 x 451     a cat; Stefan van der Walt, CC0
    china      427 x 640     a palace in Beijing; danielbuechele on Flickr, CC BY 2.0
    coffee     400 x 600     a cup of coffee; Rachel Michetti, CC0
    flower     427 x 640     a flower; vultilion on Flickr, CC BY 2.0
    hubble     872 x 1000    a deep field of galaxies; NASA, public domain
    retina     1411 x 1411   the back of an eye; Mikael Häggström, CC0
    rocket     427 x 640     a Falcon 9 on its pad; SpaceX, public domain
    =========  ============  =======================================================

    Args:
      name: One of the above.

    Returns:
      uint8 array [height, width, 3].

    Raises:
      ValueError: There is no photograph of this name.

    Example:
      >>> photograph("coffee").shape
      (400, 600, 3)
    """
    if name not in NAMES:
        raise ValueError(f"unknown photograph {name!r}; the known ones are {', '.join(NAMES)}.")
    if name in _SKLEARN:
        from sklearn.datasets import load_sample_image

        return load_sample_image(f"{name}.jpg")
    import skimage.data

    return getattr(skimage.data, _SKIMAGE[name])()


def palette(image, num_points=None, *, seed=0):
    """Returns the colours of a picture as points in the unit cube, where they have a density.

        x = (c + u) / 256,   c in {0, ..., 255}^3 a pixel, u uniform on [0, 1)^3

    Without u the colours would sit on 256^3 points, and a density could be infinite there. The
    pixel is got back as floor(256 x).

    Args:
      image: One of the names that `photograph` knows, the path of a picture, or an array
        [height, width, 3] of uint8.
      num_points: How many pixels to draw, with replacement; None takes each once, row by row.
      seed: Seed of u and of the draw.

    Returns:
      float32 array [n, 3] in [0, 1): red, green and blue.

    Raises:
      ValueError: There is no such picture, or an argument is out of range.

    Example:
      >>> palette("coffee", 1000).shape
      (1000, 3)
    """
    generator = _checks.random_generator(seed)
    named = isinstance(image, str) and image in NAMES
    pixels = _images.read_colours(photograph(image) if named else image).reshape(-1, 3)
    if num_points is not None:
        count = _checks.positive_int("num_points", num_points)
        pixels = pixels[generator.integers(len(pixels), size=count)]
    return _noise.with_noise(pixels, generator) / np.float32(256)


def grey(image):
    """Returns the luminance of uint8 [height, width, 3], rounded, as float32 (Rec. 709)."""
    return np.rint(image.astype(np.float32) @ _images.RED_GREEN_BLUE)
