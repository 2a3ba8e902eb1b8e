"""Data that nobody made up: tables, images, photographs, and files that come with the book.

What is too large to come along is downloaded by the first call that wants it, into the folder
`$NORMFLOWS_TUT_DATA` or, without it, into the user's cache: over https, with its checksum, and
going on where a cut has stopped it. Every refusal says how to place the file by hand.
"""

from normflows_tut.datasets._csv import read_csv
from normflows_tut.datasets._download import DownloadError
from normflows_tut.datasets._files import benchmark, data_path, read_image
from normflows_tut.datasets._image_sets import images
from normflows_tut.datasets._photographs import palette, photograph
from normflows_tut.datasets._tables import tabular

__all__ = [
    "DownloadError",
    "benchmark",
    "data_path",
    "images",
    "palette",
    "photograph",
    "read_csv",
    "read_image",
    "tabular",
]
