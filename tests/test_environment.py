"""An environment that cannot be made says why, in a line that a reader can act on."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "environment.py"


@pytest.fixture(scope="module")
def environment():
    spec = importlib.util.spec_from_file_location("environment", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_network_the_reason_stands_at_the_end(tmp_path):
    options = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "1", "PIP_TIMEOUT": "1"}
    command = [sys.executable, SCRIPT, tmp_path / "env", "no-such-package-of-ours"]
    made = subprocess.run(command, env=os.environ | options, capture_output=True, text=True)
    assert made.returncode == 1
    assert "The package index cannot be reached" in made.stderr
    assert str(tmp_path / "env" / "install.log") in made.stderr
    assert "Retrying" not in made.stdout  # pip's chatter is in the log alone


def test_a_full_disk_is_said_before_and_after(environment, tmp_path, monkeypatch):
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 1e9}))
    assert "takes 4 GB of disk; 1.0 GB are free" in environment.obstacle(tmp_path / "new")
    assert environment.obstacle(tmp_path) is None  # made already: little is missing

    log = tmp_path / "install.log"
    log.write_text("ERROR: Could not install: [Errno 28] No space left on device\n")
    assert "The disk is full." in environment.explained(log)


def test_a_python_out_of_range_is_named(environment, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 1))
    assert environment.main(tmp_path / "env", "anything") == 1
    assert "is Python 3.9; the book needs 3.11, 3.12 or 3.13" in capsys.readouterr().err
    assert not (tmp_path / "env").exists()
