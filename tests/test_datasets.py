"""Files that come with the book."""

import hashlib
import re

import numpy as np
import pytest

from normflows_tut import datasets


def test_every_file_is_described_and_is_the_one_described():
    readme = datasets.data_path("README.md")
    rows = re.findall(r"^\| `(.+?)` .*`([0-9a-f]{64})` \|$", readme.read_text("utf-8"), re.M)
    files = [path.name for path in readme.parent.iterdir() if path.is_file()]
    data = [name for name in files if not name.endswith((".md", ".py"))]
    assert sorted(name for name, _ in rows) == sorted(data)
    for name, checksum in rows:
        content = datasets.data_path(name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum, name


def test_the_word_as_luminance():
    image = datasets.read_image(datasets.data_path("word.png"))
    assert image.shape == (144, 320)
    assert image.dtype == np.float32
    assert image[0, 0] == 1
    assert image.min() < 0.05
    # Dark enough to be learned, light enough to be a word.
    assert 0.25 < 1 - image.mean() < 0.5


def test_inside_an_installed_package(tmp_path, monkeypatch):
    package = tmp_path / "normflows_tut"
    (package / "data").mkdir(parents=True)
    (package / "data" / "word.png").write_bytes(b"here")
    monkeypatch.setattr(datasets._files, "_PACKAGE", package)
    assert datasets.data_path("word.png").read_bytes() == b"here"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "word.png").write_bytes(b"the clone's")
    assert datasets.data_path("word.png").read_bytes() == b"the clone's"


def test_a_missing_file_says_where_it_looked_and_what_there_is():
    with pytest.raises(ValueError, match=r"'wrod\.png'.*data.*normflows_tut.*word\.png"):
        datasets.data_path("wrod.png")
    with pytest.raises(ValueError, match=r"no file '\.\./README\.md'"):
        datasets.data_path("../README.md")


def test_kept_results_of_benchmarks(tmp_path, monkeypatch):
    assert datasets.benchmark("picture")["command"] == "make bench BENCH=picture"
    with pytest.raises(ValueError, match=r"no file 'pictures\.json'.*picture\.json"):
        datasets.benchmark("pictures")
    package = tmp_path / "normflows_tut"  # installed
    (package / "results").mkdir(parents=True)
    (package / "results" / "speed.json").write_text('{"date": "today"}')
    monkeypatch.setattr(datasets._files, "_PACKAGE", package)
    assert datasets.benchmark("speed") == {"date": "today"}


def test_with_no_data_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets._files, "_PACKAGE", tmp_path / "normflows_tut")
    with pytest.raises(ValueError, match="nothing"):
        datasets.data_path("word.png")


def test_an_unreadable_picture_names_its_path(tmp_path):
    with pytest.raises(ValueError, match=r"no picture.*nowhere\.png"):
        datasets.read_image(tmp_path / "nowhere.png")


def test_reading_down_warns_on_the_readers_line():
    with pytest.warns(UserWarning, match="320 x 144 .* 4 x 4 to 80 x 36") as record:
        small = datasets.read_image(datasets.data_path("word.png"), max_side=100)
    assert small.shape == (36, 80)
    assert record[0].filename == __file__
