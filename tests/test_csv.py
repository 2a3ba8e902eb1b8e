"""CSV files, good and bad."""

import gzip
import re

import numpy as np
import pytest

from normflows_tut import datasets


def written(folder, text, name="people.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_are_read(tmp_path):
    path = written(tmp_path, "age,height\n31,1.80\n7,1.2e0\n")
    table = datasets.read_csv(path)
    assert table.dtype == np.float64
    np.testing.assert_array_equal(table, [[31, 1.8], [7, 1.2]])
    np.testing.assert_array_equal(datasets.read_csv(path, ["height"]), [[1.8], [1.2]])
    packed = tmp_path / "people.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(datasets.read_csv(packed), table)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("age,height\n31,1.8\n7,tall\n", None, "row 2 of column 'height' holds 'tall'"),
        ("age,height\n31,1.8\n,1.2\n", None, "row 2 of column 'age' is empty."),
        ("age,height\n31,NA\n7,\n", None, "row 1 of column 'height' holds 'NA', .*2 such cells"),
        ("age,height\n31,inf\n", None, "row 1 of column 'height' holds 'inf'"),
        ("age,height\n31,1.8\n", ["age", "weight"], "has no column 'weight', but age, height"),
        ("age,height\n", None, "has no rows"),
        ("", None, "is refused: No columns"),
        ("age,height\n31,1.8\n7,1.2,3,4\n", None, "is refused: .*line 3"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, columns, message):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=message) as refusal:
        datasets.read_csv(path, columns)
    assert re.search(r"people\.csv", str(refusal.value))


def test_a_column_that_is_not_asked_for_may_hold_text(tmp_path):
    path = written(tmp_path, "name,age\nAda,36\nEmmy,53\n")
    np.testing.assert_array_equal(datasets.read_csv(path, ["age"]), [[36], [53]])


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(b"age\n" + b"31\n" * 10_000)[:-20])
    with pytest.raises(ValueError, match=r"people\.csv\.gz is refused"):
        datasets.read_csv(path)
