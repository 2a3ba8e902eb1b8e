"""Named arrays in one file: written whole or not at all, read whole or refused.

The file is an ordinary ``.npz`` (``np.load`` opens it), with two additions: a member
``__meta__`` of JSON, and as the zip comment, at the very end, the SHA-256 of all bytes before
it. So a truncated file or one flipped bit anywhere is noticed before an array is used.
"""

import hashlib
import io
import json
import os
import pathlib
import re
import uuid
import zipfile

import numpy as np

_FORMAT = "normflows_tut"
_VERSION = 1
_META = "__meta__"
_DIGEST_SIZE = 64  # hexadecimal characters of a SHA-256


def write(path, kind, arrays, meta=None):
    """Writes `arrays` and `meta` to `path` in one step: a reader sees the old file or the new.

    Args:
      path: Where to write; the folder must exist.
      kind: What the file holds, such as "flow"; `read` asks for the same word.
      arrays: Dict from name to NumPy array of numbers, of any shape.
      meta: Anything that JSON can hold.

    Raises:
      ValueError: A name is taken, or an array holds Python objects.
      OSError: The folder does not exist or cannot be written.

    Example::

        write("weights.npz", "flow", {"kernel": np.zeros([2, 3])}, {"seed": 0})
        arrays, meta = read("weights.npz", "flow")
    """
    path = pathlib.Path(path).resolve()  # through a symbolic link, so that the link survives
    content = _pack(kind, arrays, meta)
    # Same folder, same disk; a name of its own, or two threads would write into one file.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # the bytes before the name: a power cut leaves the old file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path, kind):
    """Returns (arrays, meta) as `write` was given them.

    Args:
      path: A file written by `write`.
      kind: What it must hold.

    Raises:
      ValueError: The file is damaged, foreign, or of another kind; the message has the path
        and the reason.
      OSError: There is no such file, or it cannot be read.
    """
    content = pathlib.Path(path).read_bytes()
    if not content.startswith(b"PK"):
        raise ValueError(f"{path} is refused: it is no .npz file.")
    body, digest = content[:-_DIGEST_SIZE], content[-_DIGEST_SIZE:]
    if digest != _digest(body):
        raise ValueError(
            f"{path} is refused: its checksum is wrong, so it is damaged (or incomplete), "
            "or another program wrote it."
        )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop(_META).tobytes())
        found, held, meta = (header["format"], header["version"]), header["kind"], header["meta"]
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is refused: it has no readable header ({error}).") from None
    if found != (_FORMAT, _VERSION):
        raise ValueError(
            f"{path} is refused: its format is {found[0]!r}, version {found[1]!r}; "
            f"this program reads {_FORMAT!r}, version {_VERSION}."
        )
    if held != kind:
        raise ValueError(f"{path} is refused: it holds {held!r}, not {kind!r}.")
    return arrays, meta


def named(variables):
    """Returns a dict from a name for the file to each of `variables`, in their order.

    TensorFlow's names alone repeat ("kernel:0" in every layer), so the position comes first.
    tf_keras counts its layers up over a whole process ("dense_12"): that count is left out, or
    a flow built twice would be foreign to itself.
    """
    return {
        f"{position:04d}.{re.sub(r'_[0-9]+(?=[/:]|$)', '', variable.name)}": variable
        for position, variable in enumerate(variables)
    }


def check_variables(path, saved, variables):
    """Checks that arrays from a file fit `variables`, by name, shape and dtype.

    Args:
      path: The file, for the message.
      saved: Dict from name to array.
      variables: Dict from name to anything with `shape` and `dtype` (arrays, `tf.Variable`s).

    Raises:
      ValueError: A name is missing or left over, or a shape or dtype differs.
    """
    missing = [name for name in variables if name not in saved]
    surplus = [name for name in saved if name not in variables]
    if missing or surplus:
        raise ValueError(
            f"{path} is refused: it was written from another model. It lacks {len(missing)} of the "
            f"variables here{_first(missing)} and has {len(surplus)} more{_first(surplus)}."
        )
    for name, variable in variables.items():
        here = (
            tuple(variable.shape),
            np.dtype(getattr(variable.dtype, "as_numpy_dtype", variable.dtype)),
        )
        there = saved[name].shape, saved[name].dtype
        if here != there:
            raise ValueError(
                f"{path} is refused: {name} is {there[1]}{list(there[0])} in the file "
                f"and {here[1]}{list(here[0])} here."
            )


def _first(names):
    return f" (first: {names[0]})" if names else ""


def _pack(kind, arrays, meta):
    """Returns the bytes of the file; equal content gives equal bytes."""
    header = {"format": _FORMAT, "version": _VERSION, "kind": kind, "meta": meta}
    members = {_META: np.frombuffer(json.dumps(header).encode(), np.uint8)}
    for name, array in arrays.items():
        if name in members:
            raise ValueError(f"The array name {name!r} is reserved.")
        members[name] = np.asarray(array)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, array in members.items():
            # A ZipInfo of its own carries the date 1980, not the time of writing.
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        file.comment = b"0" * _DIGEST_SIZE
    body = buffer.getvalue()[:-_DIGEST_SIZE]
    return body + _digest(body)


def _digest(body):
    return hashlib.sha256(body).hexdigest().encode()
