"""Sets of images, whole numbers from 0 to 255."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tqdm

from normflows_tut import _checks
from normflows_tut.datasets import _download, _files
from normflows_tut.datasets._tables import SEED, SPLITS, in_tenths

_IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_IDX_SOURCES = {
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        {
            "train-images-idx3-ubyte": (9.9, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            "train-labels-idx1-ubyte": (0.03, "d53e105ee54ea40749a09fcbcd1e9432"),
            "t10k-images-idx3-ubyte": (1.6, "9fb629c4189551a2d022fa330f9573f3"),
            "t10k-labels-idx1-ubyte": (0.01, "ec29112dd5afa0611ce80d1b7f02629c"),
        },
    ),
    "fashion_mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        {
            "train-images-idx3-ubyte": (26.4, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            "train-labels-idx1-ubyte": (0.03, "25c81989df183df01b3e8a0aad5dffbe"),
            "t10k-images-idx3-ubyte": (4.4, "bef4ecab320f06d8554ea6380940ec79"),
            "t10k-labels-idx1-ubyte": (0.01, "bb300cfdad3c16e7a12a480ee83cd310"),
        },
    ),
}
_LABELLED = ("mnist", "fashion_mnist", "cifar10")
_IDX_VALIDATION = 10_000  # the last of the 60,000 training images
_CIFAR = _download.RemoteFile(
    "cifar10/cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    170.1,
    "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
_CIFAR_BYTES = 10_000 * 3073  # of each of its files
_CIFAR_VALIDATION = 5_000  # the last of the 50,000 training images
_CELEBA = {"size": 1_443_490_838, "checksum": "md5:00d2c5bc6d35e252742224ab0c1e8fcb"}
# By the number of the picture, from 1: the set's own list_eval_partition.txt.
_CELEBA_SPLITS = {
    "train": (1, 162_770),
    "validation": (162_771, 182_637),
    "test": (182_638, 202_599),
}
_CELEBA_CROP = 148  # the square in the middle of the 178 x 218 pixels that the papers take


def images(name, split="train", *, full=False, size=None, classes=None, labels=False, path=None):
    """Loads images of one size.

    ==============  ================  =========================================================
    mnist           28 x 28 x 1       handwritten digits: 4,500 / 500 / 1,000 that come with the
                                      book, or with `full` 50,000 / 10,000 / 10,000
    fashion_mnist   28 x 28 x 1       clothes: 50,000 / 10,000 / 10,000
    cifar10         32 x 32 x 3       ten kinds of things: 45,000 / 5,000 / 10,000
    celeba          32 or 64, x 3     faces: 162,770 / 19,867 / 19,962, from a local archive
    emoji           32 x 32 x 3       Noto Color Emoji on white, with the book: 1,158 / 144 / 144
    faces           25 x 25 x 1       grey faces of scikit-image: 80 / 10 / 10
    ==============  ================  =========================================================

    The training and validation images of mnist are every twelfth of the 60,000 training images,
    its test images every tenth of the 10,000 test images: whoever learns from the former, or from
    all 60,000, has not seen the latter. Where there is no published split, 80, 10 and 10 percent
    are shuffled with seed 42; where there is none for validation, the last of the training images
    are taken. Fashion-MNIST, CIFAR-10 and the full MNIST are downloaded by the first call.

    Args:
      name: One of the above.
      split: 'train', 'validation' or 'test'.
      full: Whether all of MNIST is loaded, 11.6 MB.
      size: For celeba, 32 or 64: the middle 148 x 148 pixels are scaled to this size.
      classes: Labels to keep, such as (2, 4, 7, 8), or one label; None keeps all.
      labels: Whether the labels are returned too.
      path: In place of a download: for mnist and fashion_mnist a folder with the four IDX files,
        gzipped or not; for celeba, which has no download, the file img_align_celeba.zip.

    Returns:
      uint8 array [n, height, width, channels]; with `labels` also an int64 array [n].

    Raises:
      ValueError: A name, a label or a file is not what it should be.
      OSError: A download failed; the message says how to place the file by hand.

    Example:
      >>> images("mnist", "test", classes=(2, 4, 7, 8)).shape[1:]
      (28, 28, 1)
    """
    loaders = {
        "mnist": _mnist,
        "fashion_mnist": _fashion_mnist,
        "cifar10": _cifar10,
        "celeba": _celeba,
        "emoji": _emoji,
        "faces": _faces,
    }
    if name not in loaders:
        known = ", ".join(loaders)
        raise ValueError(f"unknown set of images {name!r}; the known ones are {known}.")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")
    if name not in _LABELLED and (labels or classes is not None):
        raise ValueError(f"{name!r} has no labels.")
    given = {"full": full or None, "size": size, "path": path}
    taken = {"mnist": ("full", "path"), "fashion_mnist": ("path",), "celeba": ("size", "path")}
    for option, value in given.items():
        if value is not None and option not in taken.get(name, ()):
            raise ValueError(f"{name!r} takes no {option}, got {value!r}.")
    options = {option: given[option] for option in taken.get(name, ())}
    pixels, targets = loaders[name](split, **options)
    if classes is not None:
        several = classes if isinstance(classes, Iterable) else [classes]
        wanted = [_checks.non_negative_int("each of classes", label) for label in several]
        known = np.unique(targets).tolist()
        unknown = sorted(set(wanted) - set(known))
        if unknown or not wanted:
            raise ValueError(f"classes must be among {known}, got {wanted}.")
        kept = np.isin(targets, wanted)
        pixels, targets = pixels[kept], targets[kept]
    return (pixels, targets) if labels else pixels


def _mnist(split, full, path):
    if full or path is not None:
        return _idx_set("mnist", split, path)
    with np.load(_files.data_path("mnist.npz")) as file:
        part = "test" if split == "test" else "train"
        pixels, targets = file[f"{part}_images"], file[f"{part}_labels"].astype(np.int64)
    return _cut(pixels[..., np.newaxis], targets, split, len(pixels) // 10)


def _fashion_mnist(split, path):
    return _idx_set("fashion_mnist", split, path)


def _idx_set(name, split, path):
    names = _IDX_FILES["test" if split == "test" else "train"]
    address, files = _IDX_SOURCES[name]
    if path is None:
        found = [
            _download.fetch(
                _download.RemoteFile(
                    f"{name}/{file}.gz",
                    f"{address}{file}.gz",
                    files[file][0],
                    f"md5:{files[file][1]}",
                )
            )
            for file in names
        ]
    else:
        found = [_either(Path(path), file) for file in names]
    pixels, targets = (read_idx(file) for file in found)
    if pixels.ndim != 3 or targets.shape != pixels.shape[:1]:
        raise ValueError(
            f"{found[0]} holds an array of shape {list(pixels.shape)} and {found[1]} one of shape "
            f"{list(targets.shape)}: these are no images and their labels."
        )
    return _cut(pixels[..., np.newaxis], targets.astype(np.int64), split, _IDX_VALIDATION)


def _either(folder, file):
    for candidate in (folder / f"{file}.gz", folder / file):
        if candidate.is_file():
            return candidate
    raise ValueError(f"path: there is neither {file} nor {file}.gz in {str(folder)!r}.")


def _cut(pixels, targets, split, validation):
    """Takes training or validation images from the ones published for training."""
    if split == "test":
        return pixels, targets
    if len(pixels) <= validation:
        raise ValueError(
            f"the last {validation:,} training images are for validation, but there are only "
            f"{len(pixels):,} in all."
        )
    kept = slice(-validation, None) if split == "validation" else slice(-validation)
    return pixels[kept], targets[kept]


def read_idx(path):
    """Reads an array of bytes in the IDX format of MNIST, gzipped or not.

    Its first four bytes are 0, 0, 8 for unsigned bytes, and the number of axes; their lengths
    follow as big-endian 32-bit numbers, and then the values.

    Raises:
      ValueError: The file is not of this kind, or is shorter or longer than it says.
    """
    opened = gzip.open if Path(path).suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from None
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no IDX file of bytes: it begins with {content[:4].hex(' ')}.")
    axes = content[3]
    start = 4 * (1 + axes)
    if len(content) < start:
        raise ValueError(f"{path} ends within its header, after {len(content)} bytes.")
    shape = struct.unpack(f">{axes}I", content[4:start])
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise ValueError(
            f"{path} has {len(content):,} bytes, but an array of shape {list(shape)} takes "
            f"{expected:,}: the file is damaged."
        )
    return np.frombuffer(bytearray(content), np.uint8, offset=start).reshape(shape)  # writeable


def _cifar10(split):
    names = ["test_batch"] if split == "test" else [f"data_batch_{k}" for k in range(1, 6)]
    paths = _download.unpack(_CIFAR, [f"cifar-10-batches-bin/{name}.bin" for name in names])
    # A record is a label and the three planes of 32 x 32, red first.
    for path in paths:
        if path.stat().st_size != _CIFAR_BYTES:
            raise ValueError(
                f"{path} has {path.stat().st_size:,} bytes, not {_CIFAR_BYTES:,}: it is damaged. "
                "Move it away, and it is unpacked anew."
            )
    records = np.concatenate([np.fromfile(path, np.uint8) for path in paths]).reshape(-1, 3073)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return _cut(pixels, records[:, 0].astype(np.int64), split, _CIFAR_VALIDATION)


def _celeba(split, size, path):
    if size not in (32, 64):
        raise ValueError(f"size must be 32 or 64 for 'celeba', got {size!r}.")
    if path is None:
        raise ValueError(
            "'celeba' needs path, the file img_align_celeba.zip (1,443 MB, for non-commercial "
            "research only). It is had by hand from "
            "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html."
        )
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"path: there is no file {str(path)!r}.")
    with path.open("rb") as file:
        page = _download.looks_like_a_web_page(file.read(512))
    found = path.stat().st_size
    if page or found != _CELEBA["size"]:
        what = "a web page, perhaps one that says that a quota is used up" if page else "damaged"
        raise ValueError(
            f"{path} is {what}: it has {found:,} bytes, img_align_celeba.zip {_CELEBA['size']:,}."
        )
    if wrong := _download.difference(path, _CELEBA["checksum"]):
        raise ValueError(f"{path} is refused: {wrong}.")
    first, last = _CELEBA_SPLITS[split]
    names = [f"img_align_celeba/{number:06d}.jpg" for number in range(first, last + 1)]
    return archived(path, names, size, _CELEBA_CROP), None


def archived(path, names, size, crop):
    """Returns the middles of pictures in a .zip, scaled: uint8 [n, size, size, 3].

    Args:
      path: The archive.
      names: Its members, in the order wanted.
      size: Length of a side of the result.
      crop: Length of a side of the square in the middle that is scaled.

    Raises:
      ValueError: The archive is damaged, or a member is missing, no picture, or of another size
        than the first.
    """
    from PIL import Image, UnidentifiedImageError

    pixels = np.empty([len(names), size, size, 3], np.uint8)
    shape, name = None, "its list of members"
    try:
        with zipfile.ZipFile(path) as archive:
            for i, name in enumerate(tqdm.tqdm(names, desc=path.name, unit=" images")):
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    shape = shape or image.size
                    if image.size != shape:
                        raise ValueError(f"it has {image.size} pixels, the first {shape}")
                    if min(shape) < crop:
                        raise ValueError(f"{shape} pixels have no square of {crop} in the middle")
                    left, top = ((side - crop) // 2 for side in image.size)
                    middle = image.crop((left, top, left + crop, top + crop))
                    scaled = middle.resize((size, size), Image.Resampling.BOX)
                    pixels[i] = np.asarray(scaled.convert("RGB"))
    except UnidentifiedImageError:
        raise ValueError(f"{path} is refused: {name} is no picture.") from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is refused at {name}: {error}.") from None
    return pixels


def _emoji(split):
    with np.load(_files.data_path("emoji.npz")) as file:
        return _shuffled(file["images"], split), None


def _faces(split):
    import skimage.data

    faces = skimage.data.lfw_subset()[:100]  # the other hundred are no faces
    pixels = np.rint(255 * faces).astype(np.uint8)[..., np.newaxis]
    return _shuffled(pixels, split), None


def _shuffled(pixels, split):
    order = np.random.default_rng(SEED).permutation(len(pixels))
    return pixels[in_tenths(order)[SPLITS.index(split)]]
