"""Chapters are executed side by side, each once, and a failing one is named."""

import os
import signal
import subprocess
import sys
import time
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


def test_the_kernels_share_the_cores(scripts, tmp_path, monkeypatch):
    note = "import os, pathlib\nvalues = [os.environ[name] for name in {}]\n"
    note += "pathlib.Path('{}').write_text(' '.join(values))"
    variables = ["OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"]
    names = ["one", "two"]
    paths = [write(tmp_path / f"{name}.ipynb", note.format(variables, name)) for name in names]
    monkeypatch.setattr(scripts, "cores", lambda: 6)
    monkeypatch.setattr(scripts, "at_a_time", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")  # the user's own
    assert scripts.execute_missing(paths, tmp_path / "_build", timeout=60) == 0
    assert [(tmp_path / name).read_text() for name in names] == ["3 5"] * 2
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(("free", "expected"), [(1e9, 1), (7.1e9, 2), (1e15, 4)])
def test_as_many_at_a_time_as_cores_and_memory_allow(scripts, monkeypatch, free, expected, capfd):
    class Memory:
        available = free

    monkeypatch.setattr(scripts.psutil, "virtual_memory", Memory)
    monkeypatch.setattr(scripts, "cores", lambda: 4)
    assert scripts.at_a_time() == expected
    assert ("GB of memory are free" in capfd.readouterr().out) == (expected == 1)


def test_an_interrupted_run_goes_on_where_it_was(scripts, tmp_path, capfd):
    first = write(tmp_path / "first.ipynb", "import pathlib\npathlib.Path('first').touch()")
    sleep = "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)"
    second = write(tmp_path / "second.ipynb", sleep)
    run = (
        "import sys; from pathlib import Path; import execute; execute.cores = lambda: 1;"
        "sys.exit(execute.execute_missing([*map(Path, sys.argv[2:])], Path(sys.argv[1]), 600))"
    )
    command = [sys.executable, "-c", run, tmp_path / "_build", first, second]
    where = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=where)
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "1/2  first" in said
    assert "What is finished is kept" in said

    write(second, "2 + 2")
    assert scripts.execute_missing([first, second], tmp_path / "_build", timeout=60) == 0
    assert "1 of 2 chapters" in capfd.readouterr().out


def test_a_full_disk_is_said_before_anything_is_touched(scripts, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(scripts.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 1.2e8}))
    assert scripts.execute_missing([], tmp_path / "_build", timeout=60) == 1
    assert "The disk has 0.12 GB free" in capfd.readouterr().out
    assert not list((tmp_path / "_build").iterdir())
