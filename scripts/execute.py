"""Execute the chapters side by side, into the cache from which the book is built.

As many at a time as there are cores, by jupyter-cache's own executor. A chapter whose code is in
the cache already is not executed again. One that fails is left to the book build, which executes
it once more and shows its traceback.
"""

import logging
import os

import nbformat
import yaml
from chapters import ROOT, notebooks
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor


def fits(path):
    """Returns how many fits a chapter makes: the longest chapters have most of them."""
    notebook = nbformat.read(ROOT / path, as_version=4)
    return sum(cell.source.count(".fit") for cell in notebook.cells if cell.cell_type == "code")


def main():
    """Executes what is not in the cache."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["execute"]
    cache = get_cache(str(ROOT / "_build" / ".jupyter_cache"))
    # The order of the records is that of the executions: the longest first.
    paths = [str(ROOT / path) for path in sorted(notebooks(), key=fits, reverse=True)]
    for path in paths:
        cache.remove_nb_from_project(path)
        cache.add_nb_to_project(path)
    missing = cache.list_unexecuted(filter_uris=paths)
    if not missing:
        return
    print(f"Executing {len(missing)} chapters, {os.cpu_count()} at a time.", flush=True)
    executor = load_executor("local-parallel", cache, logging.getLogger("chapters"))
    executor.run_and_cache(filter_uris=paths, timeout=config["timeout"])


if __name__ == "__main__":
    main()
