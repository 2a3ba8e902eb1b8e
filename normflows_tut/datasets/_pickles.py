"""Reading the columns of an old pandas pickle without running what it says.

A pickle is a program: loading one may call any function. Here it may call a few functions that
build NumPy arrays; every name of pandas becomes an inert object that only keeps what it is given,
and any other name is refused.
"""

import codecs
import copyreg
import pickle

import numpy as np

_ALLOWED = {
    ("copy_reg", "_reconstructor"): copyreg._reconstructor,
    ("copyreg", "_reconstructor"): copyreg._reconstructor,
    ("__builtin__", "object"): object,
    ("builtins", "object"): object,
    ("__builtin__", "slice"): slice,
    ("builtins", "slice"): slice,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,  # text that stands for bytes
}
# By what NumPy itself writes: their module has moved between its versions.
_ARRAY_FUNCTIONS = {
    "_reconstruct": np.zeros(1).__reduce__()[0],
    "scalar": np.float64(0).__reduce__()[0],
}


class _Inert:
    """Stands for an object or a function of pandas, and keeps what it is given."""

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self.given, self.state = args, None
        return self

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        of_arrays = module in ("numpy.core.multiarray", "numpy._core.multiarray")
        if of_arrays and name in _ARRAY_FUNCTIONS:
            return _ARRAY_FUNCTIONS[name]
        if module.split(".")[0] == "pandas":
            return type(name, (_Inert,), {})
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_columns(path):
    """Returns the columns of a DataFrame that pandas 0.14 to 1.0 has pickled: name -> array [n].

    Args:
      path: The file.

    Raises:
      ValueError: The file asks for anything but arrays and pandas, or is damaged, or is not such
        a table.
    """
    try:
        with open(path, "rb") as file:
            frame = _Unpickler(file, encoding="latin1").load()
        manager = frame.state["_data"].state[3]["0.14.1"]
        names = _index_values(manager["axes"][0])
        columns = {}
        for block in manager["blocks"]:
            where = block["mgr_locs"]
            where = range(len(names))[where] if isinstance(where, slice) else where
            for place, values in zip(where, block["values"], strict=True):
                columns[str(names[place])] = np.asarray(values)
    except (pickle.UnpicklingError, EOFError, AttributeError, KeyError, TypeError, IndexError) as e:
        raise ValueError(f"{path} is refused: {type(e).__name__}: {e}.") from None
    return {str(name): columns[str(name)] for name in names}


def _index_values(index):
    """Returns the labels of a pickled pandas Index: `_new_Index(class, {"data": labels})`."""
    _, content = index.given
    return list(content["data"])
