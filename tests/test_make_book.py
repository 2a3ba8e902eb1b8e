"""`make book` does what is missing and no more."""

import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def build(monkeypatch, tmp_path):
    """The script, in a book of one page, with a count of what it does."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import execute
    import fingerprint
    import make_book

    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.md").write_text("# A book")
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    monkeypatch.setattr(fingerprint, "BUILD", tmp_path / "_build")
    monkeypatch.setattr(fingerprint, "BUILT", tmp_path / "_build" / "built.sha256")
    monkeypatch.setattr(fingerprint, "PAGE", tmp_path / "_build" / "html" / "index.html")
    codes = {"executed": 0, "laid out": 0}
    the = types.SimpleNamespace(main=make_book.main, done=[], codes=codes)

    def step(name):
        def run():
            fingerprint.PAGE.parent.mkdir(parents=True, exist_ok=True)
            fingerprint.PAGE.touch()
            the.done.append(name)
            return the.codes[name]

        return run

    monkeypatch.setattr(execute, "main", step("executed"))
    monkeypatch.setattr(make_book, "laid_out", step("laid out"))
    yield the
    for name in ("make_book", "execute", "fingerprint", "chapters"):
        sys.modules.pop(name)


def test_nothing_is_done_twice_and_everything_after_a_change(build, tmp_path):
    assert build.main() == 0
    (tmp_path / "book" / ".ruff_cache").mkdir()
    (tmp_path / "book" / ".ruff_cache" / "checked").touch()  # not a change
    assert build.main() == 0
    assert build.done == ["executed", "laid out"]
    (tmp_path / "book" / "index.md").write_text("# Another")
    assert build.main() == 0
    assert build.done == ["executed", "laid out"] * 2


def test_a_failure_is_not_taken_for_a_book(build, tmp_path):
    assert build.main() == 0
    (tmp_path / "book" / "index.md").write_text("# Wrong")
    build.codes["laid out"] = 1
    assert build.main() == 1
    (tmp_path / "book" / "index.md").write_text("# A book")  # as at first; its page is not there
    build.codes["laid out"] = 0
    assert build.main() == 0
    assert build.done == ["executed", "laid out"] * 3
    build.codes["executed"] = 1
    (tmp_path / "book" / "index.md").write_text("# Fails")
    assert build.main() == 1
    assert build.done[-1] == "executed"
