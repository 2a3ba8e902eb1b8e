"""Chapters are executed side by side, each once, and a failing one is named."""

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def scripts():
    sys.path.insert(0, str(ROOT / "scripts"))
    import execute

    yield execute
    sys.path.remove(str(ROOT / "scripts"))


def write(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_each_chapter_is_executed_once_and_a_failing_one_is_named(scripts, tmp_path, capfd):
    count = "import pathlib\npathlib.Path('runs').open('a').write('x')"
    good = write(tmp_path / "good.ipynb", count)
    bad = write(tmp_path / "bad.ipynb", "import sys; print('chatter', file=sys.__stderr__)\n1 / 0")

    assert scripts.execute_missing([good, bad], tmp_path / "_build", timeout=60) == 1
    out, err = capfd.readouterr()
    assert "2 of 2 chapters" in out
    assert "ZeroDivisionError" in out.split("bad failed:")[1]
    assert err == ""
    assert (tmp_path / "runs").read_text() == "x"

    write(bad, "2 + 2")
    assert scripts.execute_missing([good, bad], tmp_path / "_build", timeout=60) == 0
    assert "1 of 2 chapters" in capfd.readouterr().out
    assert (tmp_path / "runs").read_text() == "x"  # not again
    assert scripts.execute_missing([good, bad], tmp_path / "_build", timeout=60) == 0
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("free", "expected"), [(1e9, 1), (7.1e9, 2), (1e15, 4)])
def test_as_many_at_a_time_as_cores_and_memory_allow(scripts, monkeypatch, free, expected):
    class Memory:
        available = free

    monkeypatch.setattr(scripts.psutil, "virtual_memory", Memory)
    monkeypatch.setattr(scripts.os, "sched_getaffinity", lambda _: range(4), raising=False)
    assert scripts.at_a_time() == expected
