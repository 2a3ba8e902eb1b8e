"""Runs the benchmarks: `python benchmarks/run.py [speed] [picture] ...`, or all of `NAMES`.

Results go to benchmarks/results/NAME.json, with the machine they were measured on. The peers of
the speed benchmark get environments of their own, `.venv-jax` and `.venv-torch`, made on first use.
"""

import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).parent
PEERS = {  # they need other environments
    "speed": ("jax", "torch"),
    "sampling": ("jax", "torch"),
    "quality_choice": ("jax", "torch"),
    "quality": ("jax", "torch"),
    "tables": ("torch",),
    "image_steps": ("torch",),
}
NAMES = (
    "speed",
    "sampling",
    "compilation",
    "imports",
    "quality_choice",
    "quality",
    "picture",
    "picture_spline_choice",
    "picture_spline",
    "targets_2d",
    "targets_2d_spline",
    "spline_direction",
    "tables",
    "planar_energies",
    "mnist_choice",
    "glow_choice",
    "emoji",
    "image_speed",
    "image_steps",
    "vae",
)
LONG = ("mnist", "glow", "times")  # hours: only if named


def peer_python(name):
    """Returns the interpreter of `.venv-NAME`; makes the environment first if need be."""
    folder = HERE.parent / f".venv-{name}"
    python, requirements = folder / "bin" / "python", HERE / f"requirements-{name}.txt"
    stamp = folder / "requirements.txt"  # a copy: another list makes the environment anew
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
        stamp.write_text(requirements.read_text())
    return str(python)


def main(names):
    """Runs the named benchmarks, each in a process of its own."""
    known = (*NAMES, *LONG)
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"Unknown benchmark {', '.join(unknown)}; known: {', '.join(known)}.")
    for name in names or NAMES:
        arguments = [peer_python(environment) for environment in PEERS.get(name, ())]
        subprocess.run([sys.executable, HERE / f"{name}.py", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
