# Makes the notebook run anywhere. Where normflows_tut can be imported (a clone, an
# installed wheel, the book's own build) this does nothing; on a hosted notebook it
# installs the module from its repository, beside the TensorFlow that the host brings.
import importlib
import subprocess
import sys
from importlib import metadata, util

REPOSITORY = "https://github.com/-owner-/normflows_tut"


def install_module():
    if "/-owner-/" in REPOSITORY:
        raise RuntimeError(
            "normflows_tut is not installed, and this copy of the book does not say "
            "where it is kept: the address in this cell is a placeholder. Nothing was "
            "installed. Either run `pip install -e .` in a clone, or write the address "
            "with `make repository URL=...`."
        )
    try:
        tensorflow = metadata.version("tensorflow")
    except metadata.PackageNotFoundError:
        raise RuntimeError(
            "This notebook's host has no TensorFlow: choose one that has.",
        ) from None
    major, minor = tensorflow.split(".")[:2]
    if not (2, 18) <= (int(major), int(minor)) <= (2, 21):
        print(f"TensorFlow {tensorflow} is outside the tested range, 2.18 to 2.21.")

    def installed_numpy():
        return metadata.version("numpy")

    def pip(*arguments):
        command = [sys.executable, "-m", "pip", "install", "-q", *arguments]
        subprocess.run(command, check=True)

    numpy = installed_numpy()
    # TensorFlow stays as it is: --no-deps keeps tf-keras and the module from bringing
    # another, and its exact version holds it while pip looks for the light packages.
    pip("--no-deps", f"tf-keras=={major}.{minor}.*")
    pip(
        f"tensorflow=={tensorflow}",
        "tensorflow-probability>=0.25,<0.26",
        "numpy<2.4",
        "scipy>=1.11",
        "matplotlib>=3.8",
        "imageio>=2.31",
        "pillow>=10.1",
        "tqdm>=4.66",
        "ipywidgets>=8.1",
        "anywidget>=0.9.13",
        "requests>=2.31",
        "filelock>=3.12",
        "platformdirs>=4.0",
        "pandas>=2.1",
        "h5py>=3.10",
        "scikit-learn>=1.4",
        "scikit-image>=0.22",
    )
    pip("--no-deps", f"git+{REPOSITORY}")
    importlib.invalidate_caches()
    if installed_numpy() != numpy and "numpy" in sys.modules:
        print("NumPy was replaced: restart the session, then run all cells again.")


if util.find_spec("normflows_tut") is None:
    install_module()
