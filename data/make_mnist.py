"""Takes the digits that come with the book out of the whole of MNIST.

    python data/make_mnist.py [FOLDER]

Every twelfth of the 60,000 training images and every tenth of the 10,000 test images: both sets
begin with the easier half of the writers, and a stride takes as much of either. The whole set is
downloaded if it is not there, or read from a folder that has its four IDX files.
"""

import sys
from pathlib import Path

import numpy as np

from normflows_tut import datasets

PATH = Path(__file__).with_name("mnist.npz")


def main(folder=None):
    """Writes mnist.npz."""

    def whole(split):
        return datasets.images("mnist", split, full=True, labels=True, path=folder)

    both = zip(whole("train"), whole("validation"), strict=True)
    images, labels = (np.concatenate(parts) for parts in both)
    test_images, test_labels = whole("test")
    np.savez_compressed(
        PATH,
        train_images=images[::12, :, :, 0],
        train_labels=labels[::12].astype(np.uint8),
        test_images=test_images[::10, :, :, 0],
        test_labels=test_labels[::10].astype(np.uint8),
    )
    print(f"{PATH}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
