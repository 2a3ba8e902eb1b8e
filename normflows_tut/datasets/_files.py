"""Files that come with the book, and pictures of the reader's own."""

import json
from pathlib import Path

from normflows_tut import _images

_PACKAGE = Path(__file__).resolve().parent.parent


def _find(name, *parts):
    """Returns the path of the file `name` in the folder `parts`.

    In a clone that folder stands beside the package, and in a wheel, by its last part, inside it.
    """
    folders = (_PACKAGE.parent.joinpath(*parts), _PACKAGE / parts[-1])
    for folder in folders:
        # A bare name: a path would leave the folder, or be found in a clone alone.
        if Path(name).name == str(name) and (folder / name).is_file():
            return folder / name
    there = sorted({p.name for folder in folders if folder.is_dir() for p in folder.iterdir()})
    raise ValueError(
        f"there is no file {str(name)!r}: looked in "
        f"{' and '.join(str(folder) for folder in folders)}. "
        f"There is: {', '.join(there) or 'nothing'}."
    )


def benchmark(name):
    """Reads a kept result of `make bench`, a file of `benchmarks/results/`.

    Args:
      name: Name of the benchmark, such as 'speed'.

    Returns:
      A dict with the numbers, and beside them `command`, `machine`, `python`, `versions` and
      `date`.

    Raises:
      ValueError: There is no such result; the message lists those that there are.

    Example:
      >>> benchmark("picture")["command"]
      'make bench BENCH=picture'
    """
    return json.loads(_find(f"{name}.json", "benchmarks", "results").read_text(encoding="utf-8"))


def data_path(name):
    """Finds a file that comes with the book.

    In a clone the files lie in `data/` at the top, in an installed package, and so in a
    hosted notebook, in `normflows_tut/data/`. The clone's are preferred.

    Args:
      name: File name, such as 'word.png'.

    Returns:
      A `pathlib.Path` to the file.

    Raises:
      ValueError: There is no such file; the message says where it was looked for and what
        there is.

    Example:
      >>> data_path("word.png").name
      'word.png'
    """
    return _find(name, "data")


def read_image(path, *, max_side=None):
    """Reads a picture as luminance.

    Args:
      path: A PNG or JPEG file: grey, RGB, with alpha, palette or 16-bit. Its EXIF orientation
        is respected.
      max_side: A longer picture is averaged down over square blocks, and a UserWarning says
        so; None keeps every pixel.

    Returns:
      Luminance 0.2126 R + 0.7152 G + 0.0722 B (Rec. 709, of the values as stored) as an array
      [h, w] of float32 in [0, 1], row 0 at the top. What is transparent is white, 1.

    Raises:
      ValueError: There is no such file, or it cannot be read as a picture.

    Example:
      >>> read_image(data_path("word.png")).shape
      (144, 320)
    """
    return _images.read(path, max_side=max_side, stacklevel=3)
