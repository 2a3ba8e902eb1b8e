"""Write the repository's address where it is needed: `make repository URL=...`.

`_config.yml` holds the address for the whole book (its buttons read it there), and every
notebook's first cell holds it for hosted notebooks, which have nothing but the notebook.
The first cell's text is `scripts/first_cell.py`; without a URL this renews the cells from it.
"""

import json
import re
import sys

from chapters import ROOT, notebooks

CONFIG = ROOT / "_config.yml"
FIRST_CELL = ROOT / "scripts" / "first_cell.py"
PLACEHOLDER = "https://github.com/-owner-/normflows_tut"

# GitHub: an owner of letters, digits and single inner hyphens; a name of those, dots, underscores.
ADDRESS = re.compile(
    r"https://github\.com/(?P<owner>[A-Za-z0-9](?:-?[A-Za-z0-9])*)/(?P<name>[A-Za-z0-9._-]+)"
)


def checked(url):
    """Returns `url` without `.git` or a closing slash, or raises a ValueError that says why."""
    clean = url.strip().rstrip("/").removesuffix(".git")
    match = ADDRESS.fullmatch(clean)
    if clean != PLACEHOLDER and (match is None or match["name"].strip(".") == ""):
        raise ValueError(
            f"URL={url!r} is no address of a GitHub repository; "
            "it looks like https://github.com/you/normflows_tut."
        )
    return clean


def configured():
    """Returns the address in `_config.yml`."""
    return re.search(r"^  url: (\S+)$", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)[1]


def first_cell(url):
    """Returns the text of a notebook's first cell, with `url` in it."""
    text = FIRST_CELL.read_text(encoding="utf-8").rstrip("\n")
    return re.sub(r'^REPOSITORY = ".*"$', f'REPOSITORY = "{url}"', text, flags=re.MULTILINE)


def write_cell(path, text):
    """Puts `text` into the first cell of the notebook at `path`."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][0]
    if cell["cell_type"] != "code" or not "".join(cell["source"]).startswith("# Makes the"):
        raise ValueError(f"{path} does not begin with the cell of scripts/first_cell.py.")
    cell["source"] = text.splitlines(keepends=True)
    cell["metadata"] = {"tags": ["remove-cell"]}
    dump = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(dump + "\n", encoding="utf-8")


def main(url):
    """Writes `url` (or, when it is empty, the address that stands) everywhere."""
    url = checked(url or configured())
    config = CONFIG.read_text(encoding="utf-8")
    config = re.sub(r"^  url: \S+$", f"  url: {url}", config, flags=re.MULTILINE)
    CONFIG.write_text(config, encoding="utf-8")
    for path in notebooks():
        write_cell(ROOT / path, first_cell(url))
        print(path)
    print(f"{CONFIG.name}: {url}")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        sys.exit(str(error))
