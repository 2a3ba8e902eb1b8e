"""Tables: the published recipes on small tables of the same form, and the ones at hand."""

import io
import pickle
import tracemalloc

import h5py
import numpy as np
import pytest

from normflows_tut import datasets
from normflows_tut.datasets import _pickles, _tables

RNG = np.random.default_rng(0)


def test_the_published_row_counts_follow_from_the_rule():
    for name, total in {"power": 2_049_280, "gas": 1_052_065, "miniboone": 36_488}.items():
        parts = _tables._tails(np.zeros([total, 1], np.uint8))
        assert tuple(map(len, parts)) == _tables.PUBLISHED[name][1], name


def test_power(tmp_path):
    rows = np.tile(np.arange(1000.0)[:, np.newaxis], [1, 8]) * [1, 2, 3, 4, 5, 6, 7, 1]
    np.save(tmp_path / "data.npy", rows)
    train, validation, test = _tables.RECIPES["power"](tmp_path / "data.npy")
    assert (train.shape, validation.shape, test.shape) == ((810, 6), (90, 6), (100, 6))
    both = np.concatenate([train, validation])
    np.testing.assert_allclose(both.mean(axis=0), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(both.std(axis=0), 1)
    # Time has no noise, so it tells the order of the rows and, with it, the noise of the others.
    everything = np.concatenate([both, test])
    generator = np.random.RandomState(42)
    order = np.arange(1000)
    generator.shuffle(order)
    deviation = order[:900].std()
    np.testing.assert_allclose(everything[:, 5] * deviation + order[:900].mean(), order)
    voltage_noise, power_noise = 0.01 * generator.rand(1000), 0.001 * generator.rand(1000)
    for column, noise in ((1, voltage_noise), (0, power_noise)):
        raw = order * (3.0 if column else 1.0) + noise
        np.testing.assert_allclose(
            everything[:, column], (raw - raw[:900].mean()) / raw[:900].std(), rtol=0, atol=1e-12
        )


class Name:
    """A name that a pickle shall ask for."""

    def __init__(self, module, name):
        self.line = f"c{module}\n{name}\n".encode()

    def __call__(self):
        """What a pickle calls has to be callable."""


class Call:
    """A call that a pickle shall make, and the state to set."""

    def __init__(self, function, arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce__(self):
        return self.function, self.arguments, self.state


class Pickler(pickle._Pickler):
    """Writes `Name`s without looking them up."""

    dispatch = pickle._Pickler.dispatch | {Name: lambda self, name: self.write(name.line)}


def pickled(thing, path):
    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(thing)
    path.write_bytes(buffer.getvalue())


def old_frame(columns):
    """What pandas 0.18 wrote for a table: two blocks of float64 columns."""
    names, values = list(columns), np.stack(list(columns.values()))
    new_index = Name("pandas.indexes.base", "_new_Index")
    labels = np.array(names, object)
    axes = [
        Call(new_index, (Name("pandas.indexes.base", "Index"), {"data": labels, "name": None})),
        Call(new_index, (Name("pandas.indexes.range", "RangeIndex"), {"start": 0, "name": None})),
    ]
    blocks = [
        {"values": values[:2], "mgr_locs": slice(0, 2, 1)},
        {"values": values[2:], "mgr_locs": np.arange(2, len(names))},
    ]
    state = (axes, [], [], {"0.14.1": {"axes": axes, "blocks": blocks}})
    made = Name("copy_reg", "_reconstructor")
    of_object = Name("__builtin__", "object"), None
    manager = Call(made, (Name("pandas.core.internals", "BlockManager"), *of_object), state)
    frame = (Name("pandas.core.frame", "DataFrame"), *of_object)
    return Call(made, frame, {"_data": manager, "_typ": "dataframe", "_metadata": []})


def test_gas(tmp_path):
    a, b, c = RNG.normal(size=[3, 1000])
    columns = {"Time": a, "Meth": b, "Eth": c, "R1": a, "R2": b, "R3": a + 1e-3 * c, "R4": c}
    pickled(old_frame(columns), tmp_path / "gas.pickle")
    found = _pickles.read_columns(tmp_path / "gas.pickle")
    assert list(found) == list(columns)
    for name, values in columns.items():
        np.testing.assert_array_equal(found[name], values)
    parts = _tables.RECIPES["gas"](tmp_path / "gas.pickle")
    assert [len(part) for part in parts] == [810, 90, 100]
    everything = np.concatenate(parts)  # in the order of the file: nothing is shuffled
    # R1 and R3 tell the same: the first of them goes.
    for column, values in zip(everything.T, (b, a + 1e-3 * c, c), strict=True):
        np.testing.assert_allclose(column, (values - values.mean()) / values.std(ddof=1))


def test_gas_keeps_what_is_related_by_less_than_098(tmp_path):
    columns = np.append(np.ones([1000, 1]), RNG.normal(size=[1000, 4]), axis=1)
    a, b, noise, c = np.linalg.qr(columns)[0].T[1:]  # of mean 0 and uncorrelated
    close, closer = (r * a + np.sqrt(1 - r**2) * noise for r in (0.979, 0.981))
    for other, kept in ((close, 4), (closer, 3)):
        columns = {"Time": c, "Meth": c, "Eth": c, "R1": a, "R2": b, "R3": other, "R4": c}
        pickled(old_frame(columns), tmp_path / "gas.pickle")
        assert _tables.RECIPES["gas"](tmp_path / "gas.pickle")[0].shape[1] == kept


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "eval")])
def test_a_pickle_calls_nothing(tmp_path, module, name):
    path, trace = tmp_path / "evil.pickle", tmp_path / "trace"
    pickled(Call(Name(module, name), (f"touch {trace}",)), path)
    with pytest.raises(ValueError, match=rf"evil\.pickle is refused.*{module}\.{name}"):
        _pickles.read_columns(path)
    assert not trace.exists()


def test_a_pickle_has_no_bytes_taken_for_addresses(tmp_path):
    dtype = Call(Name("numpy", "dtype"), ("O8", 0, 1), (3, "|", None, None, None, -1, -1, 0))
    make = Name("numpy.core.multiarray", "_reconstruct")
    state = (1, (2, 9), dtype, False, b"A" * 144)
    values = Call(make, (Name("numpy", "ndarray"), (0,), b"b"), state)
    frame = old_frame({"a": np.zeros(9), "b": np.zeros(9), "c": np.zeros(9)})
    frame.state["_data"].state[3]["0.14.1"]["blocks"][0]["values"] = values
    pickled(frame, tmp_path / "gas.pickle")
    with pytest.raises(ValueError, match=r"gas\.pickle is refused.*array of type 'O8'"):
        _pickles.read_columns(tmp_path / "gas.pickle")


def test_a_damaged_pickle_and_one_of_something_else(tmp_path):
    path = tmp_path / "gas.pickle"
    pickled(old_frame({"a": RNG.normal(size=9), "b": RNG.normal(size=9), "c": np.zeros(9)}), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"gas\.pickle is refused"):
        _pickles.read_columns(path)
    pickled([1, 2], path)
    with pytest.raises(ValueError, match=r"gas\.pickle is refused"):
        _pickles.read_columns(path)


def test_hepmass(tmp_path):
    def write(path, rows, header):
        lines = [",".join(header), *(",".join(f"{v:.6f}" for v in row) for row in rows)]
        path.write_text("\n".join(lines) + "\n")

    def rows(count, width):
        table = RNG.normal(size=[count, width])
        table[:, 0] = np.arange(count) % 2
        # A smallest value that recurs six times among the signals is partly discrete, five are not.
        table[1:12:2, 2] = -9
        table[1:10:2, 3] = -9
        return table

    train, test = rows(400, 4), rows(100, 5)
    write(tmp_path / "train.csv", train, ["# label", "f0", "f1", "f2"])
    write(tmp_path / "test.csv", test, ["# label", "f0", "f1", "f2", "mass"])
    parts = _tables.RECIPES["hepmass"](tmp_path / "train.csv", tmp_path / "test.csv")
    assert [part.shape for part in parts] == [(180, 2), (20, 2), (50, 2)]
    signal = train[train[:, 0] == 1][:, [1, 3]]
    mean, deviation = signal.mean(axis=0), signal.std(axis=0, ddof=1)
    np.testing.assert_allclose(parts[0], ((signal - mean) / deviation)[:180], rtol=0, atol=1e-5)
    expected = (test[test[:, 0] == 1][:, [1, 3]] - mean) / deviation
    np.testing.assert_allclose(parts[2], expected, rtol=0, atol=1e-5)


def test_miniboone_and_bsds300(tmp_path):
    rows = RNG.normal(3, 2, size=[100, 43])
    np.save(tmp_path / "data.npy", rows)
    train, validation, test = _tables.RECIPES["miniboone"](tmp_path / "data.npy")
    mean, deviation = rows[:90].mean(axis=0), rows[:90].std(axis=0)
    np.testing.assert_allclose(test, (rows[90:] - mean) / deviation)
    assert (len(train), len(validation)) == (81, 9)
    with h5py.File(tmp_path / "b.hdf5", "w") as file:
        for k, split in enumerate(_tables.SPLITS):
            file[split] = np.full([3, 63], k, np.float32)
    parts = _tables.RECIPES["bsds300"](tmp_path / "b.hdf5")
    assert [part[0, 0] for part in parts] == [0, 1, 2]


def test_another_file_than_the_published_one_is_refused(tmp_path):
    (tmp_path / "miniboone").mkdir()
    with pytest.raises(ValueError, match=r"there is no file .*miniboone/data\.npy"):
        datasets.tabular("miniboone", path=tmp_path)
    path = tmp_path / "miniboone" / "data.npy"
    np.save(path, RNG.normal(size=[100, 43]))
    with pytest.raises(ValueError, match=r"\[81, 43\].*43 columns.*another file"):
        datasets.tabular("miniboone", path=tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"data\.npy is refused"):
        datasets.tabular("miniboone", path=tmp_path)


def test_tables_that_hold_no_numbers(tmp_path, monkeypatch):
    for table in ("miniboone", "BSDS300"):
        (tmp_path / table).mkdir()
    path = tmp_path / "miniboone" / "data.npy"
    rows = RNG.normal(size=[100, 43])
    monkeypatch.setitem(_tables.PUBLISHED, "miniboone", (("miniboone/data.npy",), (81, 9, 10), 43))
    np.save(path, (100 * rows).astype(np.int64))
    assert datasets.tabular("miniboone", path=tmp_path).shape == (81, 43)
    rows[5, 7] = np.nan
    np.save(path, rows)
    with pytest.raises(ValueError, match=r"data\.npy holds numbers that are missing or infinite"):
        datasets.tabular("miniboone", path=tmp_path)
    for wrong in (rows.astype(str), rows + 1j):
        np.save(path, wrong)
        with pytest.raises(ValueError, match=r"data\.npy is refused: it holds no array of numbers"):
            datasets.tabular("miniboone", path=tmp_path)
    with path.open("wb") as file:
        np.savez(file, rows)
    with pytest.raises(ValueError, match=r"data\.npy is refused: it holds no array of numbers"):
        datasets.tabular("miniboone", path=tmp_path)
    np.save(path, rows[0])
    with pytest.raises(ValueError, match=r"must have rows and columns, got shape \[43\]"):
        datasets.tabular("miniboone", path=tmp_path)
    with h5py.File(tmp_path / "BSDS300" / "BSDS300.hdf5", "w") as file:
        for split in _tables.SPLITS:
            file.create_group(split)
    with pytest.raises(ValueError, match=r"bsds300 cannot be read from .*BSDS300"):
        datasets.tabular("bsds300", path=tmp_path)


SHAPES = {
    "shuttle": ((39_279, 9), (4_909, 9), (4_909, 9)),
    "digits": ((1_439, 64), (179, 64), (179, 64)),
    "patches": ((100_000, 63), (10_000, 63), (10_000, 63)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_needs_no_download(name):
    parts = [datasets.tabular(name, split) for split in _tables.SPLITS]
    assert tuple(part.shape for part in parts) == SHAPES[name]
    for part in parts:
        assert part.dtype == np.float32
        assert part.flags.c_contiguous
        assert np.isfinite(part).all()
    np.testing.assert_array_equal(parts[0], datasets.tabular(name))
    assert len(np.unique(np.concatenate(parts), axis=0)) == sum(map(len, parts)), "rows repeat"
    mean = 0 if name != "patches" else parts[0].mean(axis=0)
    np.testing.assert_allclose(parts[0].mean(axis=0, dtype=np.float64), mean, rtol=0, atol=1e-4)
    assert np.linalg.matrix_rank(np.cov(parts[0].T)) == parts[0].shape[1]
    if name != "patches":
        np.testing.assert_allclose(parts[0].std(axis=0, dtype=np.float64), 1, rtol=1e-4)


def test_patches_are_windows_of_blocks_without_their_last_pixel(monkeypatch):
    """On a photograph whose 100 blocks are ramps, each of a slope of its own."""
    photographs = _tables._photographs
    slope = np.arange(100).reshape(10, 1, 10, 1)
    ramps = np.broadcast_to(slope * np.arange(64.0), [10, 64, 10, 64]).reshape(640, 640)
    monkeypatch.setattr(photographs, "NAMES", ("ramps",))
    monkeypatch.setattr(photographs, "photograph", lambda name: None)
    monkeypatch.setattr(photographs, "grey", lambda image: ramps.astype(np.float32))
    blocks = []
    for split, count in zip(_tables.SPLITS, (80, 10, 10), strict=True):
        rows = 256 * datasets.tabular("patches", split)
        whole = np.append(rows, -rows.sum(axis=1, keepdims=True), axis=1).reshape(-1, 8, 8)
        found = np.rint((whole[..., 7] - whole[..., 0]).mean(axis=1) / 7)
        ramp = found[:, np.newaxis, np.newaxis] * (np.arange(8) - 3.5)
        assert np.abs(whole - ramp).max() < 1, "the noise alone"
        blocks.append(set(found.tolist()))
        assert len(blocks[-1]) == count
    assert set.union(*blocks) == set(range(100))  # so none is in two


def test_shuttle_is_whole_numbers_in_six_directions_and_their_rounding_in_three():
    path = datasets.data_path("shuttle.csv.gz")
    raw = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(9))
    np.testing.assert_array_equal(raw, np.rint(raw))
    deviations = np.linalg.svd(raw - raw.mean(axis=0), compute_uv=False) / np.sqrt(len(raw))
    assert deviations[5] > 10
    assert deviations[6] < 0.6  # uniform noise alone has 0.29


@pytest.mark.parametrize("name", SHAPES)
def test_memory_stays_within_three_times_the_array(name):
    datasets.tabular(name, "test")  # what is imported is not counted
    tracemalloc.start()
    rows = datasets.tabular(name, "train")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 3 * rows.nbytes


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"unknown table 'powr'.*power, gas.*patches"):
        datasets.tabular("powr")
    with pytest.raises(ValueError, match=r"split must be one of .*got 'valid'"):
        datasets.tabular("shuttle", "valid")
    with pytest.raises(ValueError, match=r"takes no path, got 'here'"):
        datasets.tabular("shuttle", path="here")
