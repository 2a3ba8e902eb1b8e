"""Runs the benchmarks: `python benchmarks/run.py [speed] [picture] ...`, or all of `NAMES`.

Results go to benchmarks/results/NAME.json, with the machine they were measured on. The peer of
the speed benchmark gets an environment of its own, `.venv-jax`, made on first use.
"""

import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).parent
NAMES = ("speed", "picture", "targets_2d", "planar_energies")


def peer_python():
    """Returns the interpreter of `.venv-jax`; makes the environment first if need be."""
    folder = HERE.parent / ".venv-jax"
    python, requirements = folder / "bin" / "python", HERE / "requirements-jax.txt"
    stamp = folder / "requirements.txt"  # a copy: another list makes the environment anew
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
        stamp.write_text(requirements.read_text())
    return str(python)


def main(names):
    """Runs the named benchmarks, each in a process of its own."""
    unknown = set(names) - set(NAMES)
    if unknown:
        raise SystemExit(f"Unknown benchmark {', '.join(unknown)}; known: {', '.join(NAMES)}.")
    for name in names or NAMES:
        arguments = [peer_python()] if name == "speed" else []
        subprocess.run([sys.executable, HERE / f"{name}.py", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
