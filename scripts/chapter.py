"""Run one chapter and build its page alone, into `_build/chapters/NAME`.

    make chapter NAME=real_nvp

Executes every time (no cache), stops at the first failing cell and shows its traceback.
Links to other chapters are dead in a page built alone; `make book` checks those.
"""

import sys
from pathlib import Path

import yaml
from chapters import ROOT, notebooks


def main(name):
    """Builds the chapter called `name`; returns the exit code."""
    known = {path.stem: path for path in notebooks()}
    if name not in known:
        print(f"No chapter {name!r} in _toc.yml; there are: {', '.join(known)}.", file=sys.stderr)
        return 2

    build = ROOT / "_build" / "chapters" / name
    build.mkdir(parents=True, exist_ok=True)
    page = known[name].with_suffix("").as_posix()
    toc = {"format": "jb-book", "root": page, "chapters": [{"file": "book/bibliography"}]}
    (build / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")

    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "force"
    config["logo"] = str(ROOT / config["logo"])
    config["html"]["favicon"] = str(ROOT / config["html"]["favicon"])
    config["sphinx"]["local_extensions"] = {
        extension: str(ROOT / folder)
        for extension, folder in config["sphinx"]["local_extensions"].items()
    }
    config["sphinx"]["config"]["nb_execution_raise_on_error"] = True
    # What another page would have answered.
    config["sphinx"]["config"]["suppress_warnings"] = ["myst.xref_missing", "ref.ref", "ref.doc"]
    # The order of the keys counts: the widgets' scripts are loaded as they are listed.
    text = yaml.safe_dump(config, sort_keys=False)
    (build / "_config.yml").write_text(text, encoding="utf-8")

    # In this process: importing Jupyter Book once more would take as long as a small chapter.
    from jupyter_book.cli.main import main as jupyter_book

    options = ["--config", str(build / "_config.yml"), "--toc", str(build / "_toc.yml")]
    where = ["--path-output", str(build)]
    return jupyter_book(["build", str(ROOT), *options, *where, "--all"], standalone_mode=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).stem))
