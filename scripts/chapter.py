"""Run one chapter and build its page alone, into `_build/chapters/NAME`.

    make chapter NAME=real_nvp

Executes into the cache of the whole book, if the chapter has changed since. Links to other
chapters are dead in a page built alone; `make book` checks those.
"""

import sys
from pathlib import Path

import execute
import fingerprint
import yaml
from chapters import BUILD, ROOT, notebooks
from make_book import jupyter_book

# What chapters link to beside each other.
BESIDE = ("book/notation", "book/glossary", "book/bibliography")


def main(name):
    """Builds the chapter called `name`; returns the exit code."""
    known = {path.stem: path for path in notebooks()}
    if name not in known:
        print(f"No chapter {name!r} in _toc.yml; there are: {', '.join(known)}.", file=sys.stderr)
        return 2
    fingerprint.drop_outdated_caches()
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    code = execute.execute_missing([ROOT / known[name]], BUILD, config["execute"]["timeout"])
    if code:
        return code

    build = BUILD / "chapters" / name
    build.mkdir(parents=True, exist_ok=True)
    page = known[name].with_suffix("").as_posix()
    toc = {"format": "jb-book", "root": page, "chapters": [{"file": file} for file in BESIDE]}
    (build / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")

    config["execute"]["cache"] = str(BUILD / ".jupyter_cache")
    config["logo"] = str(ROOT / config["logo"])
    config["html"]["favicon"] = str(ROOT / config["html"]["favicon"])
    config["sphinx"]["local_extensions"] = {
        extension: str(ROOT / folder)
        for extension, folder in config["sphinx"]["local_extensions"].items()
    }
    # What another page would have answered.
    config["sphinx"]["config"]["suppress_warnings"] = ["myst.xref_missing", "ref.ref", "ref.doc"]
    # The order of the keys counts: the widgets' scripts are loaded as they are listed.
    text = yaml.safe_dump(config, sort_keys=False)
    (build / "_config.yml").write_text(text, encoding="utf-8")

    options = ["--config", build / "_config.yml", "--toc", build / "_toc.yml"]
    code = jupyter_book("--path-output", build, *options, "--all", log=build / "pages.log")
    if code == 0:
        html = (build / "_build" / "html" / page).with_suffix(".html")
        print(f"The chapter is at {html}")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).stem))
