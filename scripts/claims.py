"""Try the assertions of the chapters in other numerical environments: `make claims`.

    make claims                 # every chapter in every environment: hours
    make claims NAME=vae        # one chapter; NAME="vae glow" two

A chapter's assertions must hold on the reader's machine, whose processor rounds otherwise, with
whatever seed the reader writes into a `fit`, and while something else keeps the cores busy.
Each run executes every cell of a chapter, also after a failure, and notes the failing ones.
Runs go to `benchmarks/results/claims.json` one by one: a stopped call goes on where it was, and
a run counts until the chapter's code, the module's code or the data change (text may).
"""

import argparse
import ast
import concurrent.futures
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import nbformat
from chapters import ROOT, THREADS, cores, notebooks
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from tabulate import tabulate
from tqdm.auto import tqdm

sys.path.append(str(ROOT / "benchmarks"))
import machine


class Environment(NamedTuple):
    """How a run differs from `make book`."""

    variables: Mapping = MappingProxyType({})
    seed: int = 0  # added to the seed of every fit
    busy: bool = False  # alone, beside a process on every core that never rests


ENVIRONMENTS = {
    "as it is": Environment(),
    "AVX2": Environment(
        {"ONEDNN_MAX_CPU_ISA": "AVX2", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    ),
    "SSE4": Environment(
        {"TF_ENABLE_ONEDNN_OPTS": "0", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
    ),
    "one thread": Environment(dict.fromkeys(THREADS, "1")),
    **{f"seeds + {shift}": Environment(seed=shift) for shift in (1000, 2000, 3000, 4000)},
    "busy": Environment(busy=True),
}

# Stands after a chapter's first cell, and raises the seed of every fit that the chapter makes.
RAISE_SEEDS = """
import functools

from normflows_tut import training


def raised(fit):
    @functools.wraps(fit)
    def with_another_seed(*arguments, seed=0, **options):
        return fit(*arguments, seed=seed + {shift}, **options)

    return with_another_seed


for name in ("fit", "fit_elbo", "fit_reverse_kl"):
    setattr(training, name, raised(getattr(training, name)))
"""

CPUINFO = Path("/proc/cpuinfo")
AVX512 = not CPUINFO.exists() or "avx512" in CPUINFO.read_text(encoding="utf-8")
# What a processor cannot be set to shows when XLA compiles its first function.
PROBE = """
import tensorflow as tf
tf.function(lambda x: tf.exp(x @ x), jit_compile=True)(tf.ones([4, 4]))
"""


def not_here(environment):
    """Returns why this machine cannot run an environment, or None."""
    if "AVX2" in environment.variables.values() and not AVX512:
        return "this processor has nothing above AVX2"
    if not environment.variables:
        return None
    tried = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=os.environ | environment.variables,
        capture_output=True,
        text=True,
    )
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines()
    return said[-1] if said else f"exit code {tried.returncode}"


def executed(notebook, environment, folder):
    """Executes a notebook in `environment`; returns its failing cells."""
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))  # outputs go into a copy
    names = list(range(len(notebook.cells)))
    if environment.seed:
        cell = nbformat.v4.new_code_cell(RAISE_SEEDS.format(shift=environment.seed))
        notebook.cells.insert(1, cell)
        names.insert(1, "seeds")
    client = NotebookClient(
        notebook,
        timeout=1800,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=os.environ | environment.variables)
    except (CellTimeoutError, DeadKernelError) as died:
        return [{"cell": "kernel", "error": f"{type(died).__name__}: {died}", "line": ""}]
    return [
        {
            "cell": name,
            "error": f"{output.ename}: {output.evalue}".strip(": "),
            "line": failing_line(output.traceback),
        }
        for name, cell in zip(names, notebook.cells, strict=True)
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]


def failing_line(traceback):
    """Returns the line of the cell at which IPython's traceback points first."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    pointed = re.search(r"^-+> ?\d+ (.*)$", plain, re.MULTILINE)
    return pointed[1].strip() if pointed else ""


def without_docstrings(source):
    """Returns a Python file as its syntax tree, without what only people read."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def fingerprint(notebook):
    """Returns a hash over what a run of `notebook` depends on: code and data."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    total = hashlib.sha256(code.encode())
    for path in sorted(ROOT.glob("normflows_tut/**/*.py")):
        total.update(without_docstrings(path.read_text(encoding="utf-8")).encode())
    for path in sorted([*ROOT.glob("data/*"), *ROOT.glob("benchmarks/results/*")]):
        if (path.parent.name == "data" and path.suffix != ".md") or f'"{path.stem}"' in code:
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


@contextlib.contextmanager
def load(busy):
    """Keeps every core busy with a process that never rests."""
    command = [sys.executable, "-c", "while True: pass"]
    burning = [subprocess.Popen(command) for _ in range(cores() if busy else 0)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


def one_run(path, environment):
    """Returns the record of one chapter in one environment."""
    notebook = nbformat.read(ROOT / path, as_version=4)
    began = time.monotonic()
    with load(environment.busy):
        failing = executed(notebook, environment, (ROOT / path).parent)
    seconds = round(time.monotonic() - began)
    return {"code": fingerprint(notebook), "seconds": seconds, "failing": failing}


def recorded(chapters):
    """Returns the runs of this machine and these versions that still count."""
    file = machine.RESULTS / "claims.json"
    record = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    here = machine.describe()
    if any(record.get(key) != here[key] for key in ("machine", "python", "versions")):
        return {}
    now = {stem: fingerprint(nbformat.read(ROOT / p, 4)) for stem, p in chapters.items()}
    return {
        stem: {name: run for name, run in runs.items() if run["code"] == now[stem]}
        for stem, runs in record["runs"].items()
        if stem in now
    }


def table(runs, absent, chapters):
    """Returns chapters against environments: `ok`, or the failing cells."""

    def entry(stem, name):
        if name in absent:
            return "not run"
        run = runs.get(stem, {}).get(name)
        if run is None:
            return ""
        return ", ".join(f"[{f['cell']}]" for f in run["failing"]) or "ok"

    rows = [[stem, *(entry(stem, name) for name in ENVIRONMENTS)] for stem in chapters]
    return tabulate(rows, ["chapter", *ENVIRONMENTS], tablefmt="pipe")


def as_done(work, tasks, workers):
    """Yields `work(task)` as the tasks get done; an interruption waits for those under way."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, task) for task in tasks]
        try:
            for future in concurrent.futures.as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main(names):
    """Runs what is missing of the named chapters; returns whether a cell failed."""
    known = {path.stem: path for path in notebooks()}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"No chapter {unknown[0]!r} in _toc.yml; there are: {', '.join(known)}.")
        return 2
    chapters = {stem: known[stem] for stem in names or known}

    absent = {name: why for name, e in ENVIRONMENTS.items() if (why := not_here(e))}
    runs = recorded(known)
    missing = [
        (stem, name)
        for name in ENVIRONMENTS
        for stem in chapters
        if name not in absent and name not in runs.get(stem, {})
    ]
    bar = tqdm(total=len(missing), unit="run", disable=not missing)

    def work(task):
        stem, name = task
        return task, one_run(known[stem], ENVIRONMENTS[name])

    # Side by side, a core each; then, alone, those that want every core busy.
    quiet = [task for task in missing if not ENVIRONMENTS[task[1]].busy]
    alone = [task for task in missing if ENVIRONMENTS[task[1]].busy]
    for tasks, workers in ((quiet, cores()), (alone, 1)):
        for (stem, name), run in as_done(work, tasks, workers):
            runs.setdefault(stem, {})[name] = run
            machine.write_result("claims", "make claims", {"not run": absent, "runs": runs})
            for one in run["failing"]:
                bar.write(f"{stem}, {name}, cell {one['cell']}: {one['error']}")
                bar.write(textwrap.indent(one["line"], "    "))
            bar.update()
    bar.close()

    print(table(runs, absent, chapters))
    for name, why in absent.items():
        print(f"not run: {name}: {why}")
    return int(any(run["failing"] for stem in chapters for run in runs[stem].values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a chapter; none means all")
    sys.exit(main(parser.parse_args().names))
