"""The machine: what a measurement has to be read with, and its cores at work."""

import concurrent.futures
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import queue

RESULTS = pathlib.Path(__file__).parent / "results"


def cpu_model():
    """Returns the processor's name as the system gives it."""
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe(packages=("tensorflow", "tensorflow-probability", "numpy")):
    """Returns machine, versions and date as a dict of strings."""
    return {
        "machine": f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores, no accelerator",
        "python": platform.python_version(),
        "versions": {package: importlib.metadata.version(package) for package in packages},
        "date": datetime.date.today().isoformat(),
    }


def write_result(name, command, content, *, unfinished=False):
    """Writes results/NAME.json, the machine beside the numbers, and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"command": command, **describe(), **content}
    if unfinished:
        record["unfinished"] = True
    path.write_text(json.dumps(record, indent=2) + "\n")
    return path


def resume(name, head):
    """Returns what a stopped run has left in results/NAME.json, or an empty dict.

    A run that was written as unfinished is gone on with if it was made with the same `head`, on
    the same machine and with the same versions.
    """
    path = RESULTS / f"{name}.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    here = json.loads(json.dumps({**describe(), **head}))
    same = all(record.get(key) == value for key, value in here.items() if key != "date")
    return record if same and record.get("unfinished") else {}


def on_all_cores(work, tasks):
    """Yields `work(task)` as the tasks get done, on every core one at a time."""
    cores = queue.Queue()
    for core in sorted(os.sched_getaffinity(0)):
        cores.put(core)
    # The affinity is that of a thread, and of the processes which it starts.
    with concurrent.futures.ThreadPoolExecutor(
        cores.qsize(), initializer=lambda: os.sched_setaffinity(0, {cores.get()})
    ) as pool:
        for future in concurrent.futures.as_completed([pool.submit(work, t) for t in tasks]):
            yield future.result()
