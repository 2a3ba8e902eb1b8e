"""The examples of the docstrings: what they say is what one sees."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import normflows_tut

# What an example takes for granted, besides the names of its module and of its package.
NAMES = {"np": np, "tf": tf, "tfb": tfp.bijectors, "tfd": tfp.distributions}
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = ["normflows_tut"]
MODULES += [each.name for each in pkgutil.walk_packages(normflows_tut.__path__, "normflows_tut.")]


def docstrings_with_examples(name):
    module = importlib.import_module(name)
    package = importlib.import_module(module.__package__)
    names = NAMES | vars(package) | vars(module)
    return [
        test for test in doctest.DocTestFinder().find(module, name, globs=names) if test.examples
    ]


DOCSTRINGS = [each for name in MODULES for each in docstrings_with_examples(name)]


@pytest.mark.parametrize("docstring", DOCSTRINGS, ids=lambda test: test.name)
def test_the_example_holds(docstring, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The one file of a reader's own that an example reads.
    rows = "".join(f"n{k},{k % 90},{150 + k % 40}\n" for k in range(1000))
    Path("heights.csv").write_text("name,age,height\n" + rows, encoding="utf-8")
    report = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(docstring, out=report.append)
    plt.close("all")
    assert not report, "".join(report)


def test_no_example_is_overlooked():
    found = sum(len(docstring.examples) for docstring in DOCSTRINGS)
    root = Path(normflows_tut.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*.py"))
    assert found == len(re.findall(r"^ +>>> ", text, re.MULTILINE))
    assert "doctest: +SKIP" not in text
