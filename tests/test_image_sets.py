"""Images: the formats, the splits, and files that are not what they should be."""

import gzip
import hashlib
import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from normflows_tut import datasets
from normflows_tut.datasets import _image_sets


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """A small MNIST of 12,000 and 30 images, half of its files gzipped."""
    rng = np.random.default_rng(0)
    for part, count in {"train": 12_000, "t10k": 30}.items():
        images = rng.integers(256, size=[count, 2, 3])
        labels = np.arange(count) % 10
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images), 1))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_idx_files_of_the_reader(folder):
    train, labels = datasets.images("mnist", path=folder, labels=True)
    assert train.shape == (2_000, 2, 3, 1)
    assert train.dtype == np.uint8
    np.testing.assert_array_equal(labels[:11], [*range(10), 0])
    validation = datasets.images("fashion_mnist", "validation", path=folder)
    assert validation.shape == (10_000, 2, 3, 1)
    test, labels = datasets.images("mnist", "test", path=folder, labels=True, classes=(2, 4))
    assert len(test) == 6
    assert set(labels) == {2, 4}


def test_files_that_are_no_idx(folder):
    path = folder / "t10k-labels-idx1-ubyte"
    whole = path.read_bytes()
    for content, message in {
        whole[:-1]: r"has 37 bytes, but an array of shape \[30\] takes 38",
        whole + b"x": "has 39 bytes",
        b"PK\3\4": "no IDX file of bytes: it begins with 50 4b 03 04",
        whole[:6]: "ends within its header, after 6 bytes",
        b"": "no IDX file",
    }.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"t10k-labels-idx1-ubyte .*{message}"):
            datasets.images("mnist", "test", path=folder)
    path.write_bytes(idx(np.zeros(29)))
    with pytest.raises(ValueError, match="no images and their labels"):
        datasets.images("mnist", "test", path=folder)
    cut = folder / "t10k-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\.gz cannot be read"):
        datasets.images("mnist", "test", path=folder)
    path.unlink()
    with pytest.raises(ValueError, match="neither t10k-labels-idx1-ubyte nor"):
        datasets.images("mnist", "test", path=folder)


def test_the_digits_of_the_book():
    parts = {
        split: datasets.images("mnist", split, labels=True)
        for split in ("train", "validation", "test")
    }
    assert {name: images.shape for name, (images, _) in parts.items()} == {
        "train": (4_500, 28, 28, 1),
        "validation": (500, 28, 28, 1),
        "test": (1_000, 28, 28, 1),
    }
    everything = np.concatenate([images for images, _ in parts.values()])
    assert len(np.unique(everything.reshape(len(everything), -1), axis=0)) == 6_000
    for images, labels in parts.values():
        assert images.dtype == np.uint8
        assert images.max() == 255
        assert set(labels) == set(range(10))
    assert len(datasets.images("mnist", "test", classes=3)) == (parts["test"][1] == 3).sum()
    some = datasets.images("mnist", "test", classes=(2, 4, 7, 8))
    assert len(some) == np.isin(parts["test"][1], (2, 4, 7, 8)).sum()


def _faces():
    import skimage.data

    return skimage.data.lfw_subset()


def test_colour_pictures_and_grey_faces():
    emoji = [datasets.images("emoji", s) for s in ("train", "validation", "test")]
    assert {images.shape[1:] for images in emoji} == {(32, 32, 3)}
    whole = np.concatenate(emoji).reshape(-1, 32 * 32 * 3)
    assert len(np.unique(whole, axis=0)) == len(whole)
    faces = [datasets.images("faces", s) for s in ("train", "validation", "test")]
    assert [images.shape for images in faces] == [(n, 25, 25, 1) for n in (80, 10, 10)]
    # Behind the hundred faces of scikit-image come a hundred pieces of background.
    first_hundred = {np.rint(255 * face).astype(np.uint8).tobytes() for face in _faces()[:100]}
    assert {image.tobytes() for images in faces for image in images} == first_hundred


def test_cifar_is_read_from_its_records(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    images = rng.integers(256, size=[10_000, 32, 32, 3], dtype=np.uint8)
    labels = rng.integers(10, size=[10_000, 1], dtype=np.uint8)
    planes = images.transpose(0, 3, 1, 2).reshape(10_000, -1)
    path = tmp_path / "batch.bin"
    np.concatenate([labels, planes], axis=1).tofile(path)
    monkeypatch.setattr(_image_sets._download, "unpack", lambda _, names: [path] * len(names))
    found, found_labels = datasets.images("cifar10", "test", labels=True)
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(found_labels, labels[:, 0])
    assert datasets.images("cifar10", "train").shape == (45_000, 32, 32, 3)
    assert datasets.images("cifar10", "validation").shape == (5_000, 32, 32, 3)
    path.write_bytes(path.read_bytes()[:-3073])
    with pytest.raises(ValueError, match=r"batch\.bin has 30,726,927 bytes, not 30,730,000"):
        datasets.images("cifar10", "test")


def jpeg(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def pictures(tmp_path):
    """A function that writes an archive of pictures."""

    def write(contents):
        path = tmp_path / "img_align_celeba.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return path

    return write


def test_the_middle_of_archived_pictures(pictures):
    image = np.zeros([10, 8, 3], np.uint8)
    image[3:7, 2:6] = [200, 100, 50]
    path = pictures({"a": jpeg(image), "b": jpeg(image)})
    found = _image_sets.archived(path, ["b", "a"], 2, 4)
    assert found.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(found, np.broadcast_to([200, 100, 50], found.shape))


def test_bad_archives(pictures):
    image = jpeg(np.zeros([10, 8, 3], np.uint8))
    other = jpeg(np.zeros([9, 8, 3], np.uint8))
    path = pictures({"a": image, "b": b"no picture", "c": other})
    for name, message in {
        "b": r"celeba\.zip is refused: b is no picture",
        "c": r"refused at c: it has \(8, 9\) pixels, the first \(8, 10\)",
        "d": "d",
    }.items():
        with pytest.raises(ValueError, match=message):
            _image_sets.archived(path, ["a", name], 2, 4)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"celeba\.zip is refused"):
        _image_sets.archived(path, ["a"], 2, 4)


def test_celeba_must_be_the_archive(tmp_path):
    with pytest.raises(ValueError, match="size must be 32 or 64 for 'celeba', got 48"):
        datasets.images("celeba", size=48)
    with pytest.raises(ValueError, match=r"needs path.*1,443 MB.*had by hand from https"):
        datasets.images("celeba", size=64)
    path = tmp_path / "img_align_celeba.zip"
    with pytest.raises(ValueError, match="there is no file"):
        datasets.images("celeba", size=64, path=path)
    path.write_bytes(b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>")
    with pytest.raises(ValueError, match=r"a web page.*quota.*59 bytes.*1,443,490,838"):
        datasets.images("celeba", size=64, path=path)
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match="is damaged: it has 2 bytes"):
        datasets.images("celeba", size=64, path=path)


def test_celeba_by_its_checksum_its_numbers_and_its_middle(pictures, monkeypatch):
    image = np.zeros([218, 178, 3], np.uint8)
    image[35:183, 15:163] = 200  # the 148 x 148 pixels in the middle
    path = pictures({f"img_align_celeba/{number:06d}.jpg": jpeg(image) for number in range(1, 7)})
    splits = {"train": (1, 3), "validation": (4, 4), "test": (5, 6)}
    monkeypatch.setattr(_image_sets, "_CELEBA_SPLITS", splits)
    size, md5 = path.stat().st_size, hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setattr(_image_sets, "_CELEBA", {"size": size, "checksum": f"md5:{md5}"})
    for split, count in {"train": 3, "validation": 1, "test": 2}.items():
        found = datasets.images("celeba", split, size=64, path=path)
        np.testing.assert_array_equal(found, np.full([count, 64, 64, 3], 200))
    monkeypatch.setattr(_image_sets, "_CELEBA", {"size": size, "checksum": "md5:00"})
    with pytest.raises(ValueError, match=rf"celeba\.zip is refused.*{md5}, not 00"):
        datasets.images("celeba", size=64, path=path)


def test_bad_requests():
    for arguments, message in {
        ("mnits",): "unknown set of images 'mnits'.*mnist, fashion_mnist",
        ("mnist", "valid"): "split must be one of train, validation, test, got 'valid'",
    }.items():
        with pytest.raises(ValueError, match=message):
            datasets.images(*arguments)
    for options, message in {
        "classes=(2, 10)": r"classes must be among \[0, 1, .*9\], got \[2, 10\]",
        "classes=()": "classes must be among",
        "size=32": "'mnist' takes no size, got 32",
    }.items():
        with pytest.raises(ValueError, match=message):
            eval(f"datasets.images('mnist', {options})")
    with pytest.raises(ValueError, match="'faces' has no labels"):
        datasets.images("faces", labels=True)
    with pytest.raises(ValueError, match="'emoji' takes no full"):
        datasets.images("emoji", full=True)
