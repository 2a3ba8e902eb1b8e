"""A training run in a file: read whole or refused, then continued as if never stopped."""

import numpy as np

from normflows_tut import _archive
from normflows_tut.training import schedules

_KIND = "training checkpoint"


class Checkpoint:
    """Where a run is saved, and what a saved run must agree on.

    Args:
      path: The file; it may not exist yet.
      every: Steps between saves.
      agreed: Dict of plain values: data, seed and so on.
      flow: The flow, of which all variables are saved, also those that no step changes.
    """

    def __init__(self, path, every, agreed, flow):
        self._path, self.every, self._agreed = path, every, agreed
        self._variables = _archive.named(flow.variables)

    def write(self, run):
        """Writes the state of `run`, a `loop.Run`, atomically."""
        arrays = {f"flow/{name}": v.numpy() for name, v in self._variables.items()}
        weights, mean, square = run.engine.state()
        arrays |= {"adam/mean": mean.numpy(), "adam/square": square.numpy()}
        arrays |= {"loss": run.loss(), "learning_rate": run.learning_rate()}
        meta = {"step": run.step, "seconds": run.seconds(), "agreed": self._agreed}
        validation = run.validation
        if validation is not None:
            arrays["validation/step"] = np.array(validation.step, np.int64)
            arrays["validation/loss"] = np.array(validation.loss, np.float64)
            best = validation.best_weights
            arrays["validation/best_weights"] = weights.numpy() if best is None else best
            meta["best_step"] = validation.best_step
        _archive.write(self._path, _KIND, arrays, meta)

    def read(self, run):
        """Returns what `resume` needs, or None if there is no file.

        Raises:
          ValueError: The file is damaged, foreign, or of a run that differs in more than its
            length. Nothing has been changed then.
        """
        if not self._path.exists():
            return None
        arrays, meta = _archive.read(self._path, _KIND)
        saved = {k.removeprefix("flow/"): v for k, v in arrays.items() if k.startswith("flow/")}
        _archive.check_variables(self._path, saved, self._variables)
        for name in {**self._agreed, **meta["agreed"]}:
            there, here = meta["agreed"].get(name), self._agreed.get(name)
            if there != here:
                self._refuse(f"it was written with {name} = {there!r}, here it is {here!r}")
        there, here = arrays["adam/mean"].shape, run.engine.mean.shape
        if there != here:
            self._refuse(f"it trained {there[0]} weights, here there are {here[0]}")
        step = meta["step"]
        if step > run.settings.num_steps:
            self._refuse(f"it stands at step {step}, beyond num_steps = {run.settings.num_steps}")
        there = arrays["learning_rate"]
        here = schedules.rates(run.settings.learning_rate, 0, step)
        if (there != here).any():
            k = int(np.argmax(there != here))
            self._refuse(f"its learning rate at step {k} was {there[k]}, here it is {here[k]}")
        return arrays, meta

    def resume(self, run, saved):
        """Puts `run` and its flow where the file left them; `saved` is what `read` returned."""
        arrays, meta = saved
        for name, variable in self._variables.items():
            variable.assign(arrays[f"flow/{name}"])
        run.engine.set_moments(arrays["adam/mean"], arrays["adam/square"])
        run.set_history(meta["step"], arrays["loss"], arrays["learning_rate"], meta["seconds"])
        if run.validation is not None:
            run.validation.step = arrays["validation/step"].tolist()
            run.validation.loss = arrays["validation/loss"].tolist()
            run.validation.best_step = meta["best_step"]
            run.validation.best_weights = arrays["validation/best_weights"]

    def _refuse(self, reason):
        raise ValueError(f"{self._path} is refused: {reason}.")
