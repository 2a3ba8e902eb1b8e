"""Make several targets one after the other, and sum up how each went: `make test`.

    python scripts/parts.py make lint unit

The targets after a failing one are made too: one run tells all that is to mend.
"""

import subprocess
import sys
import time

from clock import clock
from tabulate import tabulate


def main(make, *targets):
    """Makes the targets, prints the summary, and returns whether one of them failed."""
    rows, failed = [], False
    began = time.monotonic()
    for target in targets:
        start = time.monotonic()
        code = subprocess.run([make, "--no-print-directory", target]).returncode
        failed |= bool(code)
        rows.append([target, clock(time.monotonic() - start), "failed" if code else "passed"])
    rows.append(["all", clock(time.monotonic() - began), "failed" if failed else "passed"])
    print(tabulate(rows, tablefmt="plain", colalign=("left", "right", "left")))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
