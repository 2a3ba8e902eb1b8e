"""The command for the published tables, on rows of POWER's shape that are made up."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from normflows_tut import datasets

ROWS = {"train": 1_659_917, "validation": 184_435, "test": 204_928}
SMALL = ["--layers", "2", "--units", "16"]


@pytest.fixture
def published(monkeypatch, tmp_path):
    """benchmarks/published.py, in a folder of its own, with a table that needs no download."""
    path = Path(__file__).parents[1] / "benchmarks" / "published.py"
    spec = importlib.util.spec_from_file_location("published", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asked = []

    def tabular(name, split, *, path=None):
        assert (name, path) == ("power", None)
        asked.append(split)
        rows = np.random.default_rng(len(split)).normal(size=[ROWS[split], 6])
        rows[:, 5] = np.abs(rows[:, 0]) + 0.1 * rows[:, 5]  # from one half to the other
        return rows.astype(np.float32)

    monkeypatch.setattr(datasets, "tabular", tabular)
    monkeypatch.chdir(tmp_path)
    module.asked = asked
    return module


def test_a_thousand_steps_of_power(published, capsys):
    published.main(["power", "--num-steps", "1000", "--peak-rate", "2e-3", *SMALL])
    said = capsys.readouterr().out
    assert "1,000 steps" in said
    found = float(said.split("test log-likelihood")[1].split()[0])
    # Five normal coordinates, and one of deviation 0.1 about the absolute value of the first.
    exact = -6 * (0.5 + 0.5 * np.log(2 * np.pi)) - np.log(0.1)
    no_flow = -6 * (0.5 + 0.5 * np.log(2 * np.pi)) - 0.5 * np.log(1 - 2 / np.pi + 0.01)
    assert no_flow + 0.9 * (exact - no_flow) < found < exact + 0.01


def test_a_sitting_ends_and_the_next_goes_on(published, capsys):
    command = ["power", "--num-steps", "200", *SMALL]
    published.main([*command, "--hours", "1e-9"])
    said = capsys.readouterr().out
    assert "max_seconds: the same command goes on from published_power_nsf.npz" in said
    assert "log-likelihood" not in said
    assert "test" not in published.asked
    published.main(command)
    in_two = capsys.readouterr().out.splitlines()[-1]
    published.main([*command, "--checkpoint", "another.npz"])
    assert capsys.readouterr().out.splitlines()[-1] == in_two
