"""What tries the chapters' assertions elsewhere notices a failing one."""

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


@pytest.fixture(scope="module")
def claims():
    sys.path.insert(0, str(ROOT / "scripts"))
    import claims

    yield claims
    sys.path.remove(str(ROOT / "scripts"))


def book(*cells):
    return nbformat.v4.new_notebook(cells=cells)


def test_failing_cells_are_named_with_their_line_and_the_rest_is_run(claims, tmp_path):
    notebook = book(
        code("x = 1"),
        text("And then"),
        code("y = 2\nassert x == 2"),
        code("undefined"),
        code("assert y == 2"),
    )
    failing = claims.executed(notebook, claims.Environment(), tmp_path)
    assert [one["cell"] for one in failing] == [2, 3]
    assert failing[0]["error"] == "AssertionError"
    assert failing[0]["line"] == "assert x == 2"
    assert "undefined" in failing[1]["error"]
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_variables_reach_the_kernel(claims, tmp_path):
    notebook = book(code("import os"), code("assert os.environ['A_VARIABLE'] == 'here'"))
    environment = claims.Environment({"A_VARIABLE": "here"})
    assert claims.executed(notebook, environment, tmp_path) == []
    assert [one["cell"] for one in claims.executed(notebook, claims.Environment(), tmp_path)] == [1]


def test_seeds_of_every_fit_are_raised(claims, tmp_path):
    notebook = book(
        code("import numpy as np"),
        code(
            """
            from normflows_tut import flows, training

            def losses(fit, **options):
                flow = flows.planar(2, 1)
                data = np.random.default_rng(0).normal(size=[100, 2]).astype("float32")
                return fit(flow, data, num_steps=3, batch_size=8, progress=False, **options).loss

            np.testing.assert_array_equal(
                losses(training.fit, seed=2), losses(training.fit.__wrapped__, seed=9)
            )
            assert np.any(losses(training.fit) != losses(training.fit.__wrapped__))
            for name in ("fit_elbo", "fit_reverse_kl"):
                assert getattr(training, name).__wrapped__.__name__ == name
            """
        ),
    )
    assert claims.executed(notebook, claims.Environment(seed=7), tmp_path) == []


def test_a_run_counts_until_the_code_changes(claims):
    one = claims.fingerprint(book(code("assert True"), text("Words")))
    assert claims.fingerprint(book(code("assert True"), text("Other words"))) == one
    assert claims.fingerprint(book(code("assert not False"), text("Words"))) != one


def test_docstrings_and_comments_are_no_code(claims):
    with_words = 'def f(x):\n    """Adds one."""\n    return x + 1  # one\n'
    without = "def f(x):\n    return x + 1\n"
    assert claims.without_docstrings(with_words) == claims.without_docstrings(without)
    assert claims.without_docstrings(without) != claims.without_docstrings("def f(x): return x")


def test_what_a_machine_cannot_be_set_to_is_said(claims):
    assert claims.not_here(claims.Environment()) is None
    refused = claims.not_here(claims.Environment({"XLA_FLAGS": "--xla_no_such_flag=1"}))
    assert "xla_no_such_flag" in refused


def test_the_table_shows_failing_cells(claims):
    runs = {"vae": {"as it is": {"failing": []}, "busy": {"failing": [{"cell": 18}]}}}
    shown = claims.table(runs, {"AVX2": "why"}, {"vae": "book/vae.ipynb"})
    row = [part.strip() for part in shown.splitlines()[-1].split("|")]
    by_name = dict(zip(claims.ENVIRONMENTS, row[2:], strict=False))
    assert (by_name["as it is"], by_name["AVX2"], by_name["busy"]) == ("ok", "not run", "[18]")
    assert by_name["one thread"] == ""
