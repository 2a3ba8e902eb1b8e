"""Numbers out of a CSV file."""

import lzma
import warnings
import zipfile
import zlib

import numpy as np

_DAMAGED = (zlib.error, zipfile.BadZipFile, lzma.LZMAError)


def read_csv(path, columns=None):
    """Reads the numbers of a CSV file whose first line names the columns.

    Args:
      path: The file; compressed ones, as `.csv.gz`, are unpacked while reading.
      columns: Names of the columns wanted, in this order; None takes all.

    Returns:
      float64 array [n, d].

    Raises:
      ValueError: There is a cell that is empty, no number or not finite, a column is missing, or
        the file is no table with a name above each column. The message names the file and the
        place.
      OSError: There is no such file, or it must not be read.

    Example:
      >>> read_csv("heights.csv", columns=["age", "height"]).shape
      (1000, 2)
    """
    import pandas as pd

    if isinstance(columns, str) or (columns is not None and not len(columns)):
        raise ValueError(f"columns must be a list of at least one name, got {columns!r}.")
    with open(path, "rb"):  # pandas would also take an address
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            first = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
            table = pd.read_csv(path, index_col=False)
    except (ValueError, EOFError, OSError, pd.errors.ParserWarning, *_DAMAGED) as error:
        raise ValueError(f"{path} is refused: {str(error).strip()}.") from None
    _check_header(path, [str(cell) for cell in first.iloc[0]])
    names = list(table.columns if columns is None else columns)
    for name in names:
        if name not in table.columns:
            raise ValueError(f"{path} has no column {name!r}, but {', '.join(table.columns)}.")
        column = table[name]
        as_read = column.astype(str) if column.dtype == bool else column  # True is no number
        _check(path, name, pd.to_numeric(as_read, errors="coerce"))
    if not len(table):
        raise ValueError(f"{path} has no rows.")
    return table[names].to_numpy(np.float64)


def _check_header(path, names):
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"{path} has more than one column {', '.join(map(repr, repeated))}.")
    if all(_is_number(name) for name in names):
        raise ValueError(f"{path} has no names in its first row, but {', '.join(names[:5])} ...")


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check(path, name, numbers):
    bad = np.flatnonzero(~np.isfinite(numbers.to_numpy(np.float64)))
    if not bad.size:
        return
    import pandas as pd

    # Once more as text, as it stands there: "NA" and "" are both NaN by now.
    texts = pd.read_csv(path, index_col=False, usecols=[name], dtype=str, keep_default_na=False)
    text = texts[name].iloc[bad[0]]
    what = "is empty" if not text.strip() else f"holds {text!r}, which is no finite number"
    more = f" ({bad.size} such cells in this column)" if bad.size > 1 else ""
    raise ValueError(f"{path}: row {bad[0] + 1} of column {name!r} {what}{more}.")
