"""Numbers out of a CSV file."""

import numpy as np


def read_csv(path, columns=None):
    """Reads the numbers of a CSV file whose first line names the columns.

    Args:
      path: The file; compressed ones, as `.csv.gz`, are unpacked while reading.
      columns: Names of the columns wanted, in this order; None takes all.

    Returns:
      float64 array [n, d].

    Raises:
      ValueError: There is a cell that is empty, no number or not finite, a column is missing, or
        the file is no table. The message names the file and the place.
      OSError: The file cannot be read.

    Example:
      >>> read_csv("heights.csv", columns=["age", "height"]).shape
      (1000, 2)
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, index_col=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is refused: {str(error).strip()}.") from None
    names = list(table.columns if columns is None else columns)
    for name in names:
        if name not in table.columns:
            raise ValueError(f"{path} has no column {name!r}, but {', '.join(table.columns)}.")
        _check(path, name, pd.to_numeric(table[name], errors="coerce"))
    if not len(table):
        raise ValueError(f"{path} has no rows.")
    return table[names].to_numpy(np.float64)


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
