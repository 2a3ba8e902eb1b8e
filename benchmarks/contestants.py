"""Who takes part, and how a contestant's worker is called."""

import dataclasses
import pathlib

HERE = pathlib.Path(__file__).parent
OURS = "normflows_tut"


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A worker's script, the environment it runs in, and what it is told."""

    environment: str  # own, jax or torch
    script: str
    variant: str = ""


CONTESTANTS = {
    OURS: Contestant("own", "worker_normflows_tut.py"),
    "TFP, documented": Contestant("own", "worker_tfp.py", "documented"),
    "TFP, XLA": Contestant("own", "worker_tfp.py", "compiled"),
    "flowjax, documented": Contestant("jax", "worker_flowjax.py", "documented"),
    "flowjax, 50 steps a scan": Contestant("jax", "worker_flowjax.py", "scan"),
    "zuko": Contestant("torch", "worker_torch.py", "zuko"),
    "nflows": Contestant("torch", "worker_torch.py", "nflows"),
    "normflows": Contestant("torch", "worker_torch.py", "normflows"),
}


def command(name, pythons):
    """Returns the beginning of the command line; `pythons` maps environments to interpreters."""
    contestant = CONTESTANTS[name]
    return [pythons[contestant.environment], str(HERE / contestant.script)]
