"""The parts of the repository that must agree with one another do."""

import ast
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import types
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"


@pytest.fixture(scope="module", autouse=True)
def _scripts_on_path():
    sys.path.insert(0, str(ROOT / "scripts"))
    yield
    sys.path.remove(str(ROOT / "scripts"))


def on_disk():
    """Returns every notebook of the book that is there, in the table of contents or not."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in BOOK.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    )


NOTEBOOKS = on_disk()


def read(name):
    return nbformat.read(ROOT / name, as_version=4)


def text_of(notebook, kind):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == kind)


# The table of contents and what runs ---------------------------------------------------------


def test_every_page_of_the_table_of_contents_exists():
    from chapters import pages

    for page in pages():
        found = [suffix for suffix in (".md", ".ipynb") if (ROOT / f"{page}{suffix}").exists()]
        assert len(found) == 1, f"{page} in _toc.yml is {found or 'no file'}"


def test_every_page_is_in_the_table_of_contents():
    from chapters import pages

    files = {path.relative_to(ROOT).with_suffix("").as_posix() for path in BOOK.glob("*.md")}
    files |= {name.removesuffix(".ipynb") for name in NOTEBOOKS}
    assert files == set(pages())


def test_nbval_runs_every_notebook():
    dry = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "notebooks", "READY="],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    command = next(line for line in dry.splitlines() if "--nbval" in line)
    assert "scripts/chapters.py" in command
    listed = subprocess.run(
        [sys.executable, "scripts/chapters.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert sorted(listed) == NOTEBOOKS


# Chapters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_without_outputs(name):
    for cell in read(name).cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
    assert "widgets" not in read(name).metadata


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_names_the_default_kernel(name):
    assert read(name).metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_chapter_asserts_its_claims(name):
    assert re.search(
        r"^\s*assert\b|np\.testing\.assert_", text_of(read(name), "code"), re.MULTILINE
    )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_chapter_has_outcomes_and_a_prediction(name):
    text = text_of(read(name), "markdown")
    classes = re.findall(r"^:class: (.*)$", text, re.MULTILINE)
    assert any("outcomes" in line for line in classes)
    assert any("predict" in line for line in classes)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_exercise_has_a_folded_solution_that_runs(name):
    notebook = read(name)
    text = text_of(notebook, "markdown")
    labels = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n(?::[^\n]*\n)*?:label: (\S+)", text)
    solved = re.findall(r"\{solution-start\} (\S+)", text)
    assert len(labels) >= 4
    assert sorted(labels) == sorted(solved)
    assert text.count("{solution-end}") == len(solved)
    assert len(re.findall(r"\{solution-start\}[^\n]*\n:class: dropdown", text)) == len(solved)
    # Between a solution's start and its end stands code, so that it is known to run.
    label, code = None, 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            code += 1
            continue
        for gate, name_of in re.findall(r"\{solution-(start|end)\} ?(\S*)", cell.source):
            if gate == "start":
                label, code = name_of, 0
            else:
                assert code, f"the solution of {label} has no code cell"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_markdown_pictures_have_alt_text(name):
    text = text_of(read(name), "markdown")
    assert not re.search(r"!\[\s*\]\(", text)
    for figure in re.findall(r"\{(?:figure|image)\}[^\n]*\n((?::[^\n]*\n)*)", text):
        assert re.search(r"^:alt: \S", figure, re.MULTILINE)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_labels_are_the_books_own(name):
    """Two chapters with one label would answer each other's links."""
    own = re.findall(r"^\((\S+)\)=$", text_of(read(name), "markdown"), re.MULTILINE)
    others = [
        label
        for other in NOTEBOOKS
        if other != name
        for label in re.findall(r"^\((\S+)\)=$", text_of(read(other), "markdown"), re.MULTILINE)
    ]
    assert len(own) == len(set(own))
    assert not set(own) & set(others)


def test_no_two_references_have_one_label():
    """A label is the first author or two, and the year: "2018a" and "2018b" tell them apart."""
    entries = parse_file(str(BOOK / "references.bib")).entries
    labels = {}
    for key, entry in entries.items():
        names = [" ".join(person.last_names) for person in entry.persons["author"]]
        shown = names if len(names) < 3 else [names[0], "and others"]
        labels.setdefault((*shown, entry.fields["year"]), []).append(key)
    assert not {label: keys for label, keys in labels.items() if len(keys) > 1}


# Tolerances ------------------------------------------------------------------------------------

CODE = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("benchmarks", "normflows_tut", "scripts", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
# The default relative tolerances of these (1e-5, 1e-7) are added to an `atol`.
CLOSE = {"allclose", "isclose", "assert_allclose", "assert_near"}


def half_said(source):
    """Returns the calls that give an absolute tolerance and leave the relative one as it is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            given = {keyword.arg for keyword in node.keywords}
            if name in CLOSE and "atol" in given and "rtol" not in given and len(node.args) < 3:
                yield ast.unparse(node)


def test_a_half_said_tolerance_is_found():
    assert list(half_said("np.allclose(a, b, atol=1e-12)")) == ["np.allclose(a, b, atol=1e-12)"]
    assert list(half_said("assert_near(a, b, atol=1)\nisclose(a, b, 0, atol=1)")) == [
        "assert_near(a, b, atol=1)"
    ]
    assert not list(half_said("np.isclose(a, b, rtol=0, atol=1e-12); np.allclose(a, b)"))


@pytest.mark.parametrize("name", CODE)
def test_an_absolute_tolerance_comes_with_a_relative_one_in_code(name):
    assert not list(half_said((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_absolute_tolerance_comes_with_a_relative_one_in_chapters(name):
    assert not list(half_said(text_of(read(name), "code")))


# The repository's address -------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_first_cell_is_the_books_and_has_the_configured_address(name):
    from repository import configured, first_cell

    cell = read(name).cells[0]
    assert cell.cell_type == "code"
    assert cell.source == first_cell(configured())
    assert cell.metadata.tags == ["remove-cell"]


def test_address_stands_in_the_configuration_once():
    from repository import checked, configured

    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert config["repository"]["url"] == configured() == checked(configured())


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/you/normflows_tut",
        "https://github.com/you/normflows_tut/",
        "https://github.com/you/normflows_tut.git",
    ],
)
def test_address_is_accepted_as_people_copy_it(url):
    from repository import checked

    assert checked(url) == "https://github.com/you/normflows_tut"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/-you/normflows_tut",
        "https://github.com/you",
        "https://github.com/you/a/b",
        "http://github.com/you/normflows_tut",
        "git@github.com:you/normflows_tut.git",
        'https://github.com/you/x"; import os',
        "you/normflows_tut",
        "https://github.com/you/..",
    ],
)
def test_a_wrong_address_is_refused_by_name(url):
    from repository import checked

    with pytest.raises(ValueError, match=re.escape(repr(url))):
        checked(url)


def test_writing_the_address_changes_it_everywhere(tmp_path, monkeypatch):
    import repository

    url = "https://github.com/you/normflows_tut"
    config = tmp_path / "_config.yml"
    config.write_text((ROOT / "_config.yml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "book").mkdir()
    for name in NOTEBOOKS:
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(repository, "CONFIG", config)
    monkeypatch.setattr(repository, "ROOT", tmp_path)

    repository.main(url)

    assert yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]["url"] == url
    for name in NOTEBOOKS:
        before, after = read(name), nbformat.read(tmp_path / name, as_version=4)
        assert f'REPOSITORY = "{url}"' in after.cells[0].source
        assert after.cells[1:] == before.cells[1:]
        nbformat.validate(after)


# The first cell on a hosted notebook --------------------------------------------------------------


@pytest.fixture
def host(monkeypatch):
    """A machine without the module, whose pip only writes down what it was asked."""
    machine = types.SimpleNamespace(
        commands=[], versions={"tensorflow": "2.19.1", "numpy": "2.0.2"}, numpy_after=None
    )

    def version(name):
        if name not in machine.versions:
            raise metadata.PackageNotFoundError(name)
        return machine.versions[name]

    def run(command, check):
        assert check
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        machine.commands.append([part for part in command[4:] if part != "-q"])
        if machine.numpy_after:
            machine.versions["numpy"] = machine.numpy_after

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(subprocess, "run", run)
    return machine


def run_first_cell(url):
    from repository import first_cell

    exec(compile(first_cell(url), "first cell", "exec"), {})


REAL = "https://github.com/you/normflows_tut"


def test_first_cell_does_nothing_where_the_module_is(host, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    run_first_cell(REAL)
    assert host.commands == []
    assert capsys.readouterr().out == ""


def test_first_cell_refuses_the_placeholder_and_installs_nothing(host):
    from repository import PLACEHOLDER

    with pytest.raises(RuntimeError, match="placeholder"):
        run_first_cell(PLACEHOLDER)
    assert host.commands == []


def test_first_cell_leaves_the_hosts_tensorflow(host):
    run_first_cell(REAL)
    keras, light, module = host.commands
    assert keras == ["--no-deps", "tf-keras==2.19.*"]
    assert "tensorflow==2.19.1" in light
    assert module == ["--no-deps", f"git+{REAL}"]


def test_first_cell_asks_for_what_the_module_needs(host):
    run_first_cell(REAL)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {Requirement(text) for text in project["dependencies"]}
    own = {wanted for wanted in needed if wanted.name in ("tensorflow", "tf-keras")}
    asked = {Requirement(text) for text in host.commands[1] if not text.startswith("tensorflow==")}
    assert asked == needed - own


@pytest.mark.parametrize(
    ("tensorflow", "said"), [("2.17.0", True), ("2.18.0", False), ("2.22.0", True)]
)
def test_first_cell_says_when_the_host_is_untried(host, capsys, tensorflow, said):
    host.versions["tensorflow"] = tensorflow
    run_first_cell(REAL)
    assert (f"TensorFlow {tensorflow} is outside" in capsys.readouterr().out) == said


def test_first_cell_says_when_the_session_must_restart(host, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", types.ModuleType("numpy"))
    host.numpy_after = "2.3.5"
    run_first_cell(REAL)
    assert "restart the session" in capsys.readouterr().out


def test_first_cell_needs_a_host_with_tensorflow(host):
    del host.versions["tensorflow"]
    with pytest.raises(RuntimeError, match="no TensorFlow"):
        run_first_cell(REAL)
    assert host.commands == []


# The environment ---------------------------------------------------------------------------------


def pins():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {
        Requirement(line).name.lower().replace("_", "-"): Requirement(line)
        for line in lines
        if line and not line.startswith("#")
    }


def test_every_pin_is_exact():
    for pin in pins().values():
        assert [part.operator for part in pin.specifier] == ["=="], pin


def test_the_pins_lie_in_the_modules_ranges():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        wanted = Requirement(text)
        (pin,) = pins()[wanted.name].specifier
        assert wanted.specifier.contains(pin.version), f"{text} against {pin}"


def test_tf_keras_is_of_tensorflows_minor():
    tensorflow, keras = (
        next(iter(pins()[name].specifier)).version.split(".")[:2]
        for name in ("tensorflow", "tf-keras")
    )
    assert tensorflow == keras


def test_chosen_pins_say_why():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n\n")[1]
    lines = text.splitlines()[1:]
    for reason, pin in zip(lines[::2], lines[1::2], strict=True):
        assert reason.startswith("# ")
        assert "==" in pin


def test_linters_agree_on_ruff():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (pin,) = pins()["ruff"].specifier
    assert f"v{pin.version}" in {repo.get("rev") for repo in hooks["repos"]}


# Vendored files -----------------------------------------------------------------------------------


def test_vendored_files_are_the_ones_fetched():
    manifest = json.loads((BOOK / "_static/vendor/manifest.json").read_text(encoding="utf-8"))
    for name, digest in manifest["sha256"].items():
        if not name.endswith("README.md"):
            assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name
    (pin,) = pins()["anywidget"].specifier
    assert f"anywidget@{pin.version}" in manifest["packages"]


# The package --------------------------------------------------------------------------------------


def test_modules_are_short():
    for path in (ROOT / "normflows_tut").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 350, path


def test_version_stands_in_the_citation_and_the_changelog():
    import normflows_tut

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == normflows_tut.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {normflows_tut.__version__}" in changelog
