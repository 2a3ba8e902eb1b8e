"""Execute the chapters side by side, into the cache from which the book is built.

As many at a time as there are cores and memory for, the longest first. A chapter whose code and
cell metadata are in the cache already is not executed again: a build that was stopped goes on
where it was. One line is printed for each chapter; what the kernels write to the terminal goes to
a log. A chapter that fails does not stop the others, and its traceback stands at the end.
"""

import concurrent.futures
import contextlib
import logging
import os
import shutil
import time
from typing import NamedTuple
from unittest import mock

import nbformat
import psutil
import yaml
from chapters import BUILD, ROOT, THREADS, cores, notebooks
from clock import clock
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor

KERNEL = 3.5e9  # bytes of memory; the largest chapter takes 3.3e9
NEEDED = 0.5e9  # bytes of disk; the book takes 0.15e9
TRACEBACK = 40  # lines of it that are shown


class Done(NamedTuple):
    """How the execution of one chapter ended."""

    seconds: float
    failure: str | None  # the end of its traceback


def fits(path):
    """Returns how many fits a chapter makes: the longest chapters have most of them."""
    notebook = nbformat.read(path, as_version=4)
    return sum(cell.source.count(".fit") for cell in notebook.cells if cell.cell_type == "code")


def at_a_time():
    """Returns how many kernels the cores and the free memory are enough for, at least one."""
    free = psutil.virtual_memory().available
    if free < KERNEL * min(2, cores()):
        print(f"{free / 1e9:.1f} GB of memory are free; a chapter takes up to {KERNEL / 1e9} GB.")
    return max(1, min(cores(), int(free // KERNEL)))


@contextlib.contextmanager
def terminal_output_to(log):
    """Sends what this process and its kernels write to stderr into a file."""
    terminal = os.dup(2)
    os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def execute(path, folder, timeout):
    """Executes one notebook into the cache in `folder`."""
    began = time.monotonic()
    cache = get_cache(str(folder))  # not shared with another thread
    executor = load_executor("local-serial", cache, logging.getLogger("chapters"))
    result = executor.run_and_cache(filter_uris=[str(path)], timeout=timeout)
    seconds = time.monotonic() - began
    if result.succeeded:
        return Done(seconds, None)
    said = cache.get_project_record(str(path)).traceback or "The kernel could not execute it."
    return Done(seconds, "\n".join(said.strip().splitlines()[-TRACEBACK:]))


def execute_missing(paths, build, timeout):
    """Executes those notebooks that are not in the cache; returns the exit code."""
    build.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(build).free
    if free < NEEDED:  # said before anything of the last build is touched
        print(f"The disk has {free / 1e9:.2f} GB free at {build}; a build needs {NEEDED / 1e9} GB.")
        return 1
    folder, log_file = build / ".jupyter_cache", build / "chapters.log"
    cache = get_cache(str(folder))
    for path in paths:
        cache.remove_nb_from_project(str(path))
        cache.add_nb_to_project(str(path))
    wanted = [str(path) for path in paths]
    missing = [record.uri for record in cache.list_unexecuted(filter_uris=wanted)]
    missing = sorted((path for path in paths if str(path) in missing), key=fits, reverse=True)
    if not missing:
        return 0
    workers = min(at_a_time(), len(missing))
    # Kernels that each have a thread for every core would stand in each other's way.
    threads = dict.fromkeys(THREADS, str(max(1, cores() // workers)))
    environment = mock.patch.dict(os.environ, threads | os.environ)  # what is set already, stays
    print(f"Executing {len(missing)} of {len(paths)} chapters, {workers} at a time.")
    print(f"What they write to the terminal goes to {log_file}", flush=True)

    failures = {}
    with log_file.open("w", encoding="utf-8") as log, terminal_output_to(log), environment:
        pool = concurrent.futures.ThreadPoolExecutor(workers)
        futures = {pool.submit(execute, path, folder, timeout): path for path in missing}
        try:
            for count, future in enumerate(concurrent.futures.as_completed(futures), 1):
                path, done = futures[future], future.result()
                words = "failed" if done.failure else ""
                line = f"{count:4}/{len(missing)}  {path.stem:20} {clock(done.seconds):>6}  {words}"
                print(line.rstrip(), flush=True)
                if done.failure:
                    failures[path.stem] = done.failure
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for kernel in psutil.Process().children(recursive=True):
                kernel.kill()
            print("Stopped. What is finished is kept; the same command goes on from there.")
            return 130
        pool.shutdown()

    for name, failure in failures.items():
        print(f"\n{name} failed:\n{failure}")
    return int(bool(failures))


def main():
    """Executes the chapters of the book that are not in its cache."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    paths = [ROOT / path for path in notebooks()]
    return execute_missing(paths, BUILD, config["execute"]["timeout"])
