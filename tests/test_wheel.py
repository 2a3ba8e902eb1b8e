"""The wheel, in a fresh environment and away from the checkout, has everything it needs."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "normflows_tut"


def run(*command, cwd):
    """Runs a command with nothing of this checkout in its environment; returns its output."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=keep,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """The Python of an environment that has the wheel; TensorFlow is lent by this one."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # A plain path in a .pth: the .pth files in there, the editable install's too, are not read.
    # One of them is needed: TFP imports distutils, which Python 3.12 left to setuptools.
    shim = "import _distutils_hack; _distutils_hack.add_shim()"
    (packages / "lent.pth").write_text("\n".join([*lent, shim]), encoding="utf-8")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--target", packages, wheel]
    run(sys.executable, "-m", "pip", *install, cwd=folder)
    return Path(sysconfig.get_path("scripts", "venv", scheme)) / "python"


def test_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted |= {
        f"normflows_tut/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "data").iterdir()
        if path.is_file()
    }
    assert wanted <= inside
    assert any(name.endswith(".js") for name in inside)
    assert any(name.endswith(".css") for name in inside)


AWAY = """
import pathlib, sys
import normflows_tut
from normflows_tut import datasets, targets, widgets

home = pathlib.Path(normflows_tut.__file__).resolve().parent
assert home.parent == pathlib.Path(sys.argv[1]).resolve(), home
path = datasets.data_path("word.png")
assert path.parent == home / "data", path
picture = targets.from_image(path)
points = picture.sample(4, seed=[0, 1])
assert picture.log_prob(points).numpy().max() < 10
assert "export default" in widgets.Stretch._esm or "render" in str(widgets.Stretch._esm)
for room in normflows_tut.__all__:
    getattr(normflows_tut, room)
print("found")
"""


def test_installed_wheel_finds_its_data_and_scripts(fresh, tmp_path):
    packages = run(
        fresh, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path
    )
    assert run(fresh, "-I", "-c", AWAY, packages.strip(), cwd=tmp_path).strip() == "found"
    assert not list(tmp_path.iterdir())
