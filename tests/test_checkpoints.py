"""Archives and checkpoints: whole or refused, and a resumed run is the run itself."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import _archive, flows, training

tfd = tfp.distributions

POINTS = np.random.default_rng(0).normal([3.0, -1.0], [2.0, 0.5], size=[40, 2])

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

    def test_threads_that_write_one_file_leave_a_whole_one(self, tmp_path):
        path = tmp_path / "a.npz"
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            writes = [
                pool.submit(_archive.write, path, "thing", {"x": np.full(20_000, k)})
                for k in range(60)
            ]
        for write in writes:
            write.result()
        x = _archive.read(path, "thing")[0]["x"]
        assert (x == x[0]).all()
        assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]

    def test_a_header_without_its_kind_is_refused(self, tmp_path):
        path = tmp_path / "a.npz"
        header = np.frombuffer(b'{"format": "normflows_tut", "version": 1}', np.uint8)
        np.savez(path, __meta__=header)
        body = path.read_bytes()[:-2] + b"\x40\x00"  # a zip comment of 64 bytes follows
        path.write_bytes(body + _archive._digest(body))
        with pytest.raises(ValueError, match=r"a.npz is refused: .*'kind'"):
            _archive.read(path, "thing")

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


def small_flow(seed=0):
    return flows.real_nvp(2, num_layers=2, hidden_units=(8,), seed=seed)


def tiny_flow(seed=0):
    """Where compiling matters more than the model."""
    return flows.real_nvp(2, num_layers=1, hidden_units=(4,), seed=seed)


def run(flow, data=POINTS, **options):
    settings = {
        "num_steps": 40,
        "batch_size": 16,
        "learning_rate": training.cosine_decay(3e-3, 40),
        "clip_norm": 1.0,
        "validation_data": POINTS[:9],
        "validation_every": 7,
        "patience": 100,
        "checkpoint_every": 10,
        "steps_per_call": 6,
        "jit_compile": True,  # for the last bit
        "progress": False,
    }
    return training.fit(flow, data, **{**settings, **options})


def values(flow):
    return [variable.numpy() for variable in flow.variables]


def assert_bit_equal(here, there):
    assert [a.tobytes() for a in here] == [b.tobytes() for b in there]


def assert_same_history(here, there):
    for name in ("step", "loss", "learning_rate", "validation_step", "validation_loss"):
        assert_bit_equal([getattr(here, name)], [getattr(there, name)])
    assert here.best_step == there.best_step


def stop_at(count, error):
    """A snapshot_fn that raises at its call number `count`."""
    calls = []

    def snapshot(flow):
        calls.append(None)
        if len(calls) == count:
            raise error

    return snapshot


@pytest.fixture(scope="module")
def straight():
    flow = small_flow()
    return flow, run(flow)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "run.npz"
    run(small_flow(), checkpoint=path, num_steps=10, learning_rate=1e-3)
    return path


class TestResume:
    @pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("power cut")])
    def test_an_interrupted_run_ends_bit_equal(self, tmp_path, straight, error):
        path = tmp_path / "run.npz"
        options = {"checkpoint": path, "snapshot_every": 8, "snapshot_fn": stop_at(4, error)}
        if isinstance(error, RuntimeError):
            with pytest.raises(RuntimeError, match="power cut"):
                run(small_flow(), **options)
            saved_at = 20  # the last multiple of checkpoint_every before the crash at 24
        else:
            assert run(small_flow(), **options).stop_reason == "interrupted"
            saved_at = 24
        assert _archive.read(path, "training checkpoint")[1]["step"] == saved_at

        flow = small_flow(seed=99)  # other weights: the file's count
        history = run(flow, checkpoint=path)
        assert history.stop_reason == "finished"
        assert_bit_equal(values(flow), values(straight[0]))
        assert_same_history(history, straight[1])

        again = run(small_flow(), checkpoint=path)  # finished: nothing is left to do
        assert_same_history(again, straight[1])
        assert again.stop_reason == "finished"

    def test_saving_changes_no_number(self, tmp_path, straight):
        flow = small_flow()
        history = run(flow, checkpoint=tmp_path / "run.npz", checkpoint_every=3)
        assert_bit_equal(values(flow), values(straight[0]))
        assert_same_history(history, straight[1])

    def test_a_longer_run_may_follow_where_the_rate_permits(self, tmp_path):
        path, rate = tmp_path / "run.npz", {"learning_rate": 1e-3, "patience": None}
        run(tiny_flow(), checkpoint=path, num_steps=28, **rate)
        longer, straight = tiny_flow(), tiny_flow()
        history = run(longer, checkpoint=path, num_steps=49, **rate)
        assert_same_history(history, run(straight, num_steps=49, **rate))
        assert_bit_equal(values(longer), values(straight))

    def test_fresh_draws_resume_too(self, tmp_path):
        target = tfd.MultivariateNormalDiag(tf.constant([3.0, -1.0]), tf.constant([2.0, 0.5]))
        path = tmp_path / "run.npz"
        free = {"validation_data": None, "patience": None}
        crash = {"snapshot_every": 12, "snapshot_fn": stop_at(3, RuntimeError())}
        with pytest.raises(RuntimeError):
            run(tiny_flow(), target, checkpoint=path, **crash, **free)
        resumed, straight = tiny_flow(), tiny_flow()
        history = run(resumed, target, checkpoint=path, **free)
        assert_same_history(history, run(straight, target, **free))
        assert_bit_equal(values(resumed), values(straight))

    def test_reverse_kl_resumes_too(self, tmp_path):
        def log_prob(x):
            return -tf.reduce_sum(x**4, axis=-1)

        def reverse(flow, **options):
            return training.fit_reverse_kl(
                flow,
                log_prob,
                num_steps=30,
                batch_size=16,
                annealing_steps=25,
                checkpoint_every=10,
                progress=False,
                **options,
            )

        path = tmp_path / "run.npz"
        crash = {"snapshot_every": 12, "snapshot_fn": stop_at(3, RuntimeError())}
        with pytest.raises(RuntimeError):
            reverse(tiny_flow(), checkpoint=path, **crash)
        resumed, straight = tiny_flow(), tiny_flow()
        history = reverse(resumed, checkpoint=path)
        assert_same_history(history, reverse(straight))
        assert_bit_equal(values(resumed), values(straight))

    def test_patience_runs_on_through_a_resumption(self, tmp_path):
        # The validation data lie elsewhere: the first measurement is the best.
        options = {
            "validation_data": POINTS * -3,
            "validation_every": 3,
            "patience": 5,
            "learning_rate": 1e-2,
        }
        straight = tiny_flow()
        history = run(straight, **options)
        assert history.stop_reason == "early stopping"
        path = tmp_path / "run.npz"
        crash = {"snapshot_every": 11, "snapshot_fn": stop_at(2, KeyboardInterrupt())}
        assert run(tiny_flow(), checkpoint=path, **crash, **options).stop_reason == "interrupted"
        for _ in range(2):  # resumed, and then once more when it has stopped
            flow = tiny_flow()
            again = run(flow, checkpoint=path, **options)
            assert again.stop_reason == "early stopping"
            assert_same_history(again, history)
            assert_bit_equal(values(flow), values(straight))


class TestRefusal:
    """A file that does not fit is refused before it or the flow is touched."""

    def refused(self, path, message, flow=None, data=POINTS, **options):
        content, flow = path.read_bytes(), flow or small_flow(seed=7)
        before = values(flow)
        with pytest.raises(ValueError, match=message) as caught:
            run(flow, data, checkpoint=path, **{"learning_rate": 1e-3, **options})
        assert str(path) in str(caught.value)
        assert path.read_bytes() == content
        assert_bit_equal(values(flow), before)

    def test_damaged(self, saved, tmp_path):
        content, path = saved.read_bytes(), tmp_path / "run.npz"
        for damaged in (content[:-1], content[: len(content) // 2], b"", b"hello"):
            path.write_bytes(damaged)
            self.refused(path, "is refused")
        for at in np.random.default_rng(0).integers(len(content), size=10):
            path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
            self.refused(path, "is refused: .*damaged")

    def test_no_checkpoint(self, tmp_path):
        path = tmp_path / "flow.npz"
        flows.save(small_flow(), path)
        self.refused(path, "it holds 'flow', not 'training checkpoint'")
        np.savez(path, loss=np.zeros(3))
        self.refused(path, "another program wrote it")

    def test_another_flow(self, saved):
        wide = flows.real_nvp(2, num_layers=2, hidden_units=(9,))
        self.refused(saved, r"float32\[8\] in the file and float32\[9\] here", wide)
        deep = flows.real_nvp(2, num_layers=3, hidden_units=(8,))
        self.refused(saved, "another model", deep)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"data": POINTS + 1e-3}, "written with data = "),
            ({"data": POINTS[::-1]}, "written with data = "),
            ({"seed": 1}, "written with seed = 0, here it is 1"),
            ({"batch_size": 8}, "written with batch_size = 16, here it is 8"),
            ({"clip_norm": None}, "written with clip_norm = 1.0, here it is None"),
            ({"validation_data": POINTS[:8]}, "written with validation_data = "),
            ({"validation_every": 8}, "written with validation_every = 7, here it is 8"),
            ({"num_steps": 9}, "stands at step 10, beyond num_steps = 9"),
            (
                {"learning_rate": lambda step: 1e-3 if step < 4 else 2e-3},
                "rate at step 4 was 0.001, here it is 0.002",
            ),
        ],
    )
    def test_another_run(self, saved, options, message):
        self.refused(saved, message, **options)

    def test_another_objective(self, saved):
        flow = small_flow()
        before = values(flow)
        with pytest.raises(ValueError, match=r"run.npz is refused: it was written with"):
            training.fit_reverse_kl(flow, lambda x: -(x[:, 0] ** 2), checkpoint=saved, seed=0)
        assert_bit_equal(values(flow), before)
