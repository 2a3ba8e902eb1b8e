"""Archives and checkpoints: whole or refused, and a resumed run is the run itself."""

import numpy as np
import pytest

from normflows_tut import _archive

ARRAYS = {
    "net/kernel:0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.float64(-0.0),
    "flags": np.array([True, False]),
    "empty": np.zeros([0, 4], np.int32),
}


class TestArchive:
    def test_returns_what_was_written(self, tmp_path):
        path = tmp_path / "a.npz"
        _archive.write(path, "thing", ARRAYS, {"seed": 7, "loss": 1.5})
        arrays, meta = _archive.read(path, "thing")
        assert meta == {"seed": 7, "loss": 1.5}
        assert list(arrays) == list(ARRAYS)
        for name, array in ARRAYS.items():
            assert arrays[name].dtype == array.dtype
            assert arrays[name].shape == array.shape
            assert arrays[name].tobytes() == array.tobytes()
        assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]  # no temporary left

    def test_is_an_ordinary_npz_and_equal_content_gives_equal_bytes(self, tmp_path):
        for name in ("a.npz", "b.npz"):
            _archive.write(tmp_path / name, "thing", ARRAYS)
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
        with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
            np.testing.assert_array_equal(file["net/kernel:0"], ARRAYS["net/kernel:0"])

    def test_every_flipped_bit_and_every_truncation_is_refused(self, tmp_path):
        path = tmp_path / "a.npz"
        _archive.write(path, "thing", {"x": np.arange(3.0)})
        content = path.read_bytes()
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises(ValueError, match=r"a.npz is refused"):
                _archive.read(path, "thing")
            path.write_bytes(content[:at])
            with pytest.raises(ValueError, match=r"a.npz is refused"):
                _archive.read(path, "thing")

    def test_foreign_files_are_refused_with_the_reason(self, tmp_path):
        path = tmp_path / "a.npz"
        np.savez(path, x=np.zeros(3))
        with pytest.raises(ValueError, match="another program wrote it"):
            _archive.read(path, "thing")
        path.write_text("hello")
        with pytest.raises(ValueError, match=r"no .npz file"):
            _archive.read(path, "thing")
        _archive.write(path, "other", ARRAYS)
        with pytest.raises(ValueError, match="holds 'other', not 'thing'"):
            _archive.read(path, "thing")
        with pytest.raises(FileNotFoundError):
            _archive.read(tmp_path / "none.npz", "thing")

    def test_a_failed_write_leaves_the_old_file_and_no_other(self, tmp_path, monkeypatch):
        path = tmp_path / "a.npz"
        _archive.write(path, "thing", {"x": np.zeros(3)})
        before = path.read_bytes()

        def disk_full(descriptor):
            raise OSError("No space left on device")

        monkeypatch.setattr("os.fsync", disk_full)
        with pytest.raises(OSError, match="No space"):
            _archive.write(path, "thing", {"x": np.ones(3)})
        assert path.read_bytes() == before
        assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]

    def test_objects_and_reserved_names_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"[Oo]bject"):
            _archive.write(tmp_path / "a.npz", "thing", {"x": np.array([{}])})
        with pytest.raises(ValueError, match="__meta__"):
            _archive.write(tmp_path / "a.npz", "thing", {"__meta__": np.zeros(1)})
        assert not list(tmp_path.iterdir())

    def test_named_keeps_equal_names_apart_and_drops_the_count_of_keras(self):
        class Variable:
            def __init__(self, name):
                self.name = name

        names = ["kernel:0", "kernel:0", "dense_12/bias:0", "log_scale_3:0", "w1:0"]
        assert list(_archive.named([Variable(name) for name in names])) == [
            "0000.kernel:0",
            "0001.kernel:0",
            "0002.dense/bias:0",
            "0003.log_scale:0",
            "0004.w1:0",
        ]

    def test_check_variables_names_the_difference(self):
        here = {"a": np.zeros([2, 3], np.float32), "b": np.zeros(1)}
        _archive.check_variables("p", dict(here), here)
        with pytest.raises(ValueError, match=r"p is refused.*lacks 1 .*\(first: b\).*has 0 more"):
            _archive.check_variables("p", {"a": here["a"]}, here)
        with pytest.raises(ValueError, match=r"lacks 0 .*has 1 more \(first: c\)"):
            _archive.check_variables("p", here | {"c": here["a"]}, here)
        with pytest.raises(
            ValueError, match=r"a is float32\[3, 2\] in the file and float32\[2, 3\]"
        ):
            _archive.check_variables("p", here | {"a": here["a"].reshape(3, 2)}, here)
        with pytest.raises(ValueError, match=r"a is float64\[2, 3\] in the file"):
            _archive.check_variables("p", here | {"a": here["a"].astype(np.float64)}, here)
