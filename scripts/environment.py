"""Make an environment: a folder of its own for Python packages.

    python3.12 scripts/environment.py .venv "--requirement requirements.txt" "--editable ."

What follows the folder are the arguments of one `pip install` each. pip's chatter goes to
`install.log` in the folder. Needs the standard library only: it runs before anything is installed.
"""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from clock import clock

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED = 4e9  # bytes; TensorFlow and its company take 3.1e9
TAIL = 15  # lines of the log that are shown

# What pip says, and what it means for who reads it.
REASONS = {
    "No space left on device": "The disk is full.",
    "NewConnectionError|NameResolutionError|ConnectTimeoutError|ProxyError|Connection refused": (
        "The package index cannot be reached. Is there a network?"
    ),
}


def obstacle(folder):
    """Returns why an environment cannot be made in `folder`, or None."""
    here = sys.version_info[:2]
    if not OLDEST <= here <= NEWEST:
        return (
            f"{sys.executable} is Python {here[0]}.{here[1]}; the book needs 3.11, 3.12 or 3.13."
            " Name another: make venv PYTHON=/path/to/python3.12"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            f"{sys.executable} has no venv module (on Debian and Ubuntu: apt install python3-venv)."
        )
    free = shutil.disk_usage(folder.absolute().parent).free
    if not folder.exists() and free < NEEDED:
        return (
            f"The environment takes {NEEDED / 1e9:.0f} GB of disk; {free / 1e9:.1f} GB are free"
            f" at {folder.absolute().parent}."
        )
    return None


def explained(log):
    """Returns the end of pip's log, and under it what it means where that is known."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = ["", *text.strip().splitlines()[-TAIL:], f"The whole log: {log.absolute()}"]
    reasons = [meaning for said, meaning in REASONS.items() if re.search(said, text)]
    return "\n".join([*lines, *reasons, "The same command goes on from here."])


def main(folder, *installations):
    """Makes the environment and installs into it; returns the exit code."""
    folder = Path(folder)
    why_not = obstacle(folder)
    if why_not:
        print(why_not, file=sys.stderr)
        return 1
    began = time.monotonic()
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Making {folder} with Python {version}: a few minutes the first time", flush=True)

    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "install.log"
    python = folder.absolute() / "bin" / "python"
    commands = [[sys.executable, "-m", "venv", str(folder)]]
    commands += [[str(python), "-m", "pip", "install", *given.split()] for given in installations]
    with log.open("w", encoding="utf-8") as file:
        for command in commands:
            if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode:
                print(explained(log), file=sys.stderr)
                return 1
    print(f"The environment is ready ({clock(time.monotonic() - began)}).", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
