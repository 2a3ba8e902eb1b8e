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
        ("age,height\n31,1.8,5\n7,1.2,6\n", None, "is refused: "),
        ("31,1.8\n7,1.2\n", None, "no names in its first row, but 31, 1.8"),
        ("age,age\n31,1.8\n", None, "more than one column 'age'"),
        ("age,tall\n31,True\n7,False\n", None, "row 1 of column 'tall' holds 'True'"),
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


@pytest.mark.parametrize("columns", ["age", []])
def test_columns_are_a_list_of_names(tmp_path, columns):
    path = written(tmp_path, "age\n31\n")
    with pytest.raises(ValueError, match="columns must be a list of at least one name, got"):
        datasets.read_csv(path, columns)


def test_no_address_is_opened():
    with pytest.raises(FileNotFoundError):
        datasets.read_csv("http://127.0.0.1:9/people.csv")


WHOLE = gzip.compress(b"age\n" + np.random.default_rng(0).bytes(9000).hex(" ", 1).encode())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.csv.gz", WHOLE[:-20]),
        ("middle.csv.gz", WHOLE[:2000] + bytes(500) + WHOLE[2500:]),
        ("plain.csv.gz", b"age\n31\n"),
        ("plain.csv.zip", b"age\n31\n"),
        ("plain.csv.bz2", b"age\n31\n"),
        ("plain.csv.xz", b"age\n31\n"),
    ],
)
def test_a_damaged_archive_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{re.escape(name)} is refused"):
        datasets.read_csv(path)
