"""Reading the columns of an old pandas pickle without running what it says.

A pickle is a program: loading one may call any function. Here every name of pandas and of NumPy
becomes an inert object that only keeps what it is given, a few harmless names of Python are what
they are, and any other name is refused. Arrays of numbers are then made from the bytes they kept:
NumPy's own way would take them for addresses, if the pickle says so.
"""

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
    ("_codecs", "encode"): lambda text, encoding: text.encode("latin1"),  # of bytes, as text
}
_NUMBERS = {"f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"}


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
        if module.split(".")[0] in ("pandas", "numpy"):
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
            where = range(len(names))[where] if isinstance(where, slice) else _array(where)
            for place, values in zip(where, _array(block["values"]), strict=True):
                columns[str(names[place])] = values
        return {str(name): columns[str(name)] for name in names}
    except (
        pickle.UnpicklingError,
        EOFError,
        AttributeError,
        LookupError,
        MemoryError,
        OverflowError,
        TypeError,
        ValueError,
    ) as e:
        raise ValueError(f"{path} is refused: {type(e).__name__}: {e}.") from None


def _index_values(index):
    """Returns the labels of a pickled pandas Index: `_new_Index(class, {"data": labels})`."""
    _, content = index.given
    return list(_array(content["data"]))


def _array(pickled):
    """Returns the array of an inert `numpy.ndarray`, of numbers or of a list of objects."""
    _, shape, dtype, by_columns, content = pickled.state
    order = "F" if by_columns else "C"
    kind, byte_order = dtype.given[0], dtype.state[1]
    if kind[0] == "O" and isinstance(content, list):
        objects = np.empty(len(content), object)
        objects[:] = content
        return objects.reshape(shape, order=order)
    if kind not in _NUMBERS:
        raise pickle.UnpicklingError(f"it has an array of type {kind!r}")
    raw = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(raw, byte_order.replace("|", "=") + kind).reshape(shape, order=order)
