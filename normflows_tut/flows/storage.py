"""Flows on disk: their weights, or all of them for a program without this package."""

import contextlib
import os
import pathlib
import shutil
import tempfile

import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import _archive
from normflows_tut.flows.conditional import ConditionalFlow

tfd = tfp.distributions


def save(flow, path):
    """Writes all variables of `flow` to `path`, an .npz file, atomically.

    The file holds numbers, not code: to load it, build the flow by the same call.

    Raises:
      ValueError: `flow` has no variables to ask for.
      OSError: The folder of `path` does not exist, or nothing can be written there.
    """
    variables = _variables(flow)
    with _named_after(path):
        _archive.write(path, "flow", {name: v.numpy() for name, v in variables.items()})


def load(flow, path):
    """Sets all variables of `flow` from a file that `save` wrote, and returns `flow`.

    Raises:
      ValueError: The file is damaged, is no such file, or is of another architecture. No
        variable has been touched then.
      OSError: There is no such file, or it cannot be read.
    """
    variables = _variables(flow)
    arrays, _ = _archive.read(path, "flow")
    _archive.check_variables(path, arrays, variables)
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return flow


def export(flow, path):
    """Writes `flow` to the folder `path` as a SavedModel, which plain TensorFlow serves.

    ```none
    served = tf.saved_model.load(path)
    served.log_prob(x)         x [n, d] of the flow's dtype; returns [n], in nats
    served.sample(n, seed)     int32 n, int32 seed [2]; returns [n, d], the same for the same seed
    ```

    A `ConditionalFlow` is served with its contexts `[n, c]`, or `[m, c]` for n samples of each:

    ```none
    served.log_prob(x, context)
    served.sample(n, context, seed)                      [n, m, d]
    ```

    Neither this package nor TensorFlow Probability has to be installed there. Both functions
    take any n.

    Args:
      flow: A `tfd.TransformedDistribution` or a `ConditionalFlow`, on vectors or images.
      path: The folder; an earlier export there is replaced in one step.

    Raises:
      ValueError: `flow` is neither of the two, or something else than an earlier export is at
        `path`.
      OSError: The folder that `path` shall stand in does not exist, or cannot be written to.
    """
    if not isinstance(flow, tfd.Distribution | ConditionalFlow):
        raise ValueError(
            f"a tfd.TransformedDistribution or a ConditionalFlow is needed, got {flow!r}."
        )
    given, path = path, pathlib.Path(path).resolve()
    if path.exists() and not (path / "saved_model.pb").is_file():
        raise ValueError(f"path={str(path)!r} exists and is no SavedModel; it is left as it is.")
    with _named_after(given):
        aside = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        tf.saved_model.save(_Served(flow), str(aside / "new"))
        if path.exists():
            os.replace(path, aside / "old")
        os.replace(aside / "new", path)
    finally:
        shutil.rmtree(aside)


def _variables(flow):
    """Returns a dict from names to the variables of a flow, or of another `tf.Module`."""
    if not hasattr(flow, "variables"):
        raise ValueError(f"a flow is needed, got {flow!r}.")
    return _archive.named(flow.variables)


@contextlib.contextmanager
def _named_after(path):
    """Lets an OSError name `path`, and not the file beside it that is written first."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


class _Served(tf.Module):
    """A flow and the two functions of it that are served."""

    def __init__(self, flow):
        super().__init__(name="flow")
        self.flow = flow
        points = tf.TensorSpec([None, *flow.event_shape], flow.dtype, name="x")
        count, seed = tf.TensorSpec([], tf.int32, "n"), tf.TensorSpec([2], tf.int32, "seed")
        if isinstance(flow, ConditionalFlow):
            context = tf.TensorSpec([None, flow.context_size], flow.dtype, name="context")
            self.log_prob = tf.function(
                lambda x, context: flow(context).log_prob(x), input_signature=[points, context]
            )
            self.sample = tf.function(
                lambda n, context, seed: flow(context).sample(n, seed=seed),
                input_signature=[count, context, seed],
            )
            return
        self.log_prob = tf.function(lambda x: flow.log_prob(x), input_signature=[points])
        self.sample = tf.function(
            lambda n, seed: flow.sample(n, seed=seed), input_signature=[count, seed]
        )
