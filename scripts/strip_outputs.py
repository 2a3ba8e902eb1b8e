"""Remove outputs, counts and widget state from notebooks: `strip_outputs.py FILE...`.

Exits with 1 when it changed a file, as a pre-commit hook must.
"""

import json
import sys
from pathlib import Path


def stripped(notebook):
    """Returns the notebook (a dictionary, changed in place) without what running it left."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def main(paths):
    """Strips the notebooks at `paths`; returns whether any was changed."""
    changed = False
    for path in map(Path, paths):
        before = path.read_text(encoding="utf-8")
        after = json.dumps(stripped(json.loads(before)), indent=1, ensure_ascii=False) + "\n"
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"stripped {path}")
            changed = True
    return changed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
