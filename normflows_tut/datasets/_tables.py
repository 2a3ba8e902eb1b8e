"""Tables of numbers: the benchmark of Papamakarios et al., and three that need no download."""

import warnings
from importlib.resources import files
from pathlib import Path

import numpy as np

from normflows_tut.datasets import _download, _files, _photographs, _pickles

SPLITS = ("train", "validation", "test")
SEED = 42
ARCHIVE = _download.RemoteFile(
    "maf/data.tar.gz",
    "https://zenodo.org/record/1161203/files/data.tar.gz",
    857,
    "md5:9b9c9b0375315ad270eba4ce80c093ab",
)
# Members of the archive, and rows of train, validation and test, and columns (MAF paper, Table 3).
PUBLISHED = {
    "power": (("power/data.npy",), (1_659_917, 184_435, 204_928), 6),
    "gas": (("gas/ethylene_CO.pickle",), (852_174, 94_685, 105_206), 8),
    "hepmass": (
        ("hepmass/1000_train.csv", "hepmass/1000_test.csv"),
        (315_123, 35_013, 174_987),
        21,
    ),
    "miniboone": (("miniboone/data.npy",), (29_556, 3_284, 3_648), 43),
    "bsds300": (("BSDS300/BSDS300.hdf5",), (1_000_000, 50_000, 250_000), 63),
}
PATCH, BLOCK = 8, 64
PATCHES = {"train": 100_000, "validation": 10_000, "test": 10_000}


def tabular(name, split="train", *, path=None):
    """Loads a table of numbers, ready for a flow.

    ===========  ===  ===================================================================
    power          6  electricity of a household; 1,659,917 / 184,435 / 204,928 rows
    gas            8  chemical sensors; 852,174 / 94,685 / 105,206
    hepmass       21  particle collisions; 315,123 / 35,013 / 174,987
    miniboone     43  neutrinos; 29,556 / 3,284 / 3,648
    bsds300       63  patches of photographs; 1,000,000 / 50,000 / 250,000
    shuttle        9  sensors of a space shuttle; 39,279 / 4,909 / 4,909
    digits        64  handwritten digits of 8 x 8 pixels; 1,439 / 179 / 179
    patches       63  patches of eight photographs; 100,000 / 10,000 / 10,000
    ===========  ===  ===================================================================

    The first five are the benchmark of Papamakarios et al., with its preprocessing and its
    splits; one archive of 857 MB holds them all, and the first call downloads it. The last three
    come with the book or with the packages it needs.

    *shuttle* and *digits* are whole numbers. Noise, uniform on [0, 1), is added to each, so that
    they have a density; then each column is shifted and scaled to mean 0 and standard deviation
    1 in the training rows. *patches* are made like BSDS300: (grey value + noise) / 256, minus the
    mean of the patch, without the last pixel, which the others determine. The photographs are
    cut into blocks of 64 x 64 pixels and each block belongs to one split, so no pixel is in two;
    rows of one block are alike.

    Args:
      name: One of the above.
      split: 'train', 'validation' or 'test'. Where there is no published split, 80, 10 and 10
        percent of the rows, shuffled with seed 42.
      path: For the first five, a folder that holds the archive's files, such as
        `path/power/data.npy`, in place of the download.

    Returns:
      float32 array [n, d].

    Raises:
      ValueError: A name or a file is not what it should be.
      OSError: The archive could not be downloaded; the message says how to place it by hand.

    Reference:
      Papamakarios, Pavlakou and Murray (2017), Masked Autoregressive Flow for Density
      Estimation, appendix D; data at https://zenodo.org/record/1161203 (CC BY 4.0).
      Uria, Murray and Larochelle (2013), RNADE, section 4.2: the patches.

    Example:
      >>> tabular("digits", "test").shape
      (179, 64)
    """
    offline = {"shuttle": _shuttle, "digits": _digits, "patches": _patches}
    if name not in PUBLISHED and name not in offline:
        known = ", ".join([*PUBLISHED, *offline])
        raise ValueError(f"unknown table {name!r}; the known ones are {known}.")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")
    if name in offline:
        if path is not None:
            raise ValueError(f"{name!r} comes with the packages: it takes no path, got {path!r}.")
        return offline[name](split)
    return _published(name, split, path)


def _published(name, split, path):
    members, rows, width = PUBLISHED[name]
    if path is None:
        paths = _download.unpack(ARCHIVE, [f"data/{member}" for member in members])
    else:
        paths = [Path(path) / member for member in members]
        for file in paths:
            if not file.is_file():
                raise ValueError(f"path: there is no file {str(file)!r}.")
    try:
        with np.errstate(all="ignore"):  # what comes of it is looked at below
            parts = RECIPES[name](*paths)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} cannot be read from {paths[0].parent}: {error}") from None
    for part, expected in zip(parts, rows, strict=True):
        if part.shape != (expected, width):
            raise ValueError(
                f"{name} has parts of shapes {[list(p.shape) for p in parts]}, not of {list(rows)} "
                f"rows and {width} columns: {paths[0]} is another file than the published one."
            )
        if not np.isfinite(part).all():
            raise ValueError(
                f"{paths[0]} holds numbers that are missing or infinite, or a column of one number."
            )
    return np.ascontiguousarray(parts[SPLITS.index(split)], np.float32)


# The recipes follow the code that the papers' numbers come from, github.com/gpapamak/maf, in what
# it does rather than in what its paper says; the chapter on tables names the differences.


def _power(path):
    rows = _array(path, 8)
    generator = np.random.RandomState(SEED)  # its order of draws is part of the benchmark
    generator.shuffle(rows)
    rows = np.delete(rows, [1, 3], axis=1)  # reactive power, current
    voltage = 0.01 * generator.rand(len(rows), 1)
    power = 0.001 * generator.rand(len(rows), 1)
    meters = generator.rand(len(rows), 3)
    rows += np.hstack([power, voltage, meters, np.zeros([len(rows), 1])])
    return _scaled_by_train_and_validation(_tails(rows))


def _gas(path):
    columns = _pickles.read_columns(path)
    missing = [name for name in ("Meth", "Eth", "Time") if name not in columns]
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}, but {', '.join(columns)}.")
    kept = [v for name, v in columns.items() if name not in ("Meth", "Eth", "Time")]
    rows = np.stack(kept, axis=1).astype(np.float64)
    while True:
        related = (np.corrcoef(rows.T) > 0.98).sum(axis=1) > 1  # each is related to itself
        if not related.any():
            break
        rows = np.delete(rows, np.argmax(related), axis=1)
    # By all rows, the test rows among them, as the benchmark has it.
    return _tails((rows - rows.mean(axis=0)) / rows.std(axis=0, ddof=1))


def _hepmass(train_path, test_path):
    import pandas as pd

    with warnings.catch_warnings():
        # As in the papers' code, what stands beyond the names of the first line is left out.
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        tables = [pd.read_csv(path, index_col=False) for path in (train_path, test_path)]
    train, test = (table.to_numpy(np.float64) for table in tables)
    train, test = (rows[rows[:, 0] == 1, 1:] for rows in (train, test))
    test = test[:, : train.shape[1]]  # one column more than in training, at the end
    mean, deviation = train.mean(axis=0), train.std(axis=0, ddof=1)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    # Columns whose smallest value recurs: they are partly discrete.
    kept = [i for i, column in enumerate(train.T) if (column == column.min()).sum() <= 5]
    train, test = train[:, kept], test[:, kept]
    cut = len(train) - len(train) // 10
    return train[:cut], train[cut:], test


def _miniboone(path):
    return _scaled_by_train_and_validation(_tails(_array(path, None)))


def _bsds300(path):
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return [file[split][:] for split in SPLITS]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is refused: {error}.") from None


RECIPES = {
    "power": _power,
    "gas": _gas,
    "hepmass": _hepmass,
    "miniboone": _miniboone,
    "bsds300": _bsds300,
}


def _array(path, width):
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is refused: {error}.") from None
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiu":
        raise ValueError(f"{path} is refused: it holds no array of numbers.")
    if rows.ndim != 2 or width not in (None, rows.shape[1]):
        columns = "rows and columns" if width is None else f"{width} columns"
        raise ValueError(f"{path} must have {columns}, got shape {list(rows.shape)}.")
    return rows.astype(np.float64, copy=False)


def _tails(rows):
    """The last tenth is for testing, and the last tenth of the rest for validation."""
    train, test = np.split(rows, [len(rows) - len(rows) // 10])
    train, validation = np.split(train, [len(train) - len(train) // 10])
    return train, validation, test


def _scaled_by_train_and_validation(parts):
    both = np.concatenate(parts[:2])
    mean, deviation = both.mean(axis=0), both.std(axis=0)
    return [(part - mean) / deviation for part in parts]


def _shuttle(split):
    # The tenth column says what is an anomaly.
    return _whole_numbers(_read_gzip(_files.data_path("shuttle.csv.gz"), 9, skiprows=1), split)


def _digits(split):
    # `sklearn.datasets.load_digits` reads the same file and takes four times its memory.
    return _whole_numbers(_read_gzip(files("sklearn.datasets.data") / "digits.csv.gz", 64), split)


def _read_gzip(path, width, skiprows=0):
    return np.loadtxt(path, np.float32, delimiter=",", skiprows=skiprows, usecols=range(width))


def _whole_numbers(rows, split):
    generator = np.random.default_rng(SEED)
    rows = rows[generator.permutation(len(rows))]
    rows += generator.random(rows.shape, np.float32)
    train, validation, test = in_tenths(rows)
    # Column by column: in one go, float64 copies would be the largest arrays of all.
    mean = np.array([column.mean(dtype=np.float64) for column in train.T], np.float32)
    deviation = np.array([column.std(dtype=np.float64) for column in train.T], np.float32)
    part = {"train": train, "validation": validation, "test": test}[split]
    part -= mean
    part /= deviation
    return part


def in_tenths(rows):
    """Returns 80, 10 and 10 percent of the rows, in their order."""
    tenth = len(rows) // 10
    return np.split(rows, [len(rows) - 2 * tenth, len(rows) - tenth])


def _patches(split):
    generator = np.random.default_rng(SEED)
    blocks = []
    for name in _photographs.NAMES:
        grey = _photographs.grey(_photographs.photograph(name))
        height, width = (BLOCK * (side // BLOCK) for side in grey.shape)
        tiles = grey[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
        blocks.append(tiles.swapaxes(1, 2).reshape(-1, BLOCK, BLOCK))
    blocks = np.concatenate(blocks)
    blocks = blocks[generator.permutation(len(blocks))]
    mine = dict(zip(SPLITS, in_tenths(blocks), strict=True))[split]
    generator = np.random.default_rng([SEED, SPLITS.index(split)])
    count = PATCHES[split]
    block = generator.integers(len(mine), size=count)
    row, column = generator.integers(BLOCK - PATCH + 1, size=[2, count])
    windows = np.lib.stride_tricks.sliding_window_view(mine, (PATCH, PATCH), axis=(1, 2))
    patches = windows[block, row, column].reshape(count, -1)
    patches += generator.random(patches.shape, np.float32)
    patches /= np.float32(256)
    patches -= patches.mean(axis=1, keepdims=True)
    return np.ascontiguousarray(patches[:, :-1])
