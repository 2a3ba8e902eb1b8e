"""Training: the numbers of Adam, repeatability, and what happens when something goes wrong."""

import gc
import io
import os
import signal
import sys
import threading
import weakref

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from normflows_tut import flows, targets, training
from normflows_tut.training import loop, objectives, validation
from normflows_tut.training.engine import _ENGINES

tfb, tfd = tfp.bijectors, tfp.distributions

POINTS = np.random.default_rng(0).normal([3.0, -1.0], [2.0, 0.5], size=[40, 2])


def shift_flow(start=(0.0, 0.0), dtype=tf.float64, scale=1.0):
    """N(b, scale^2), b trained: the gradient of the loss is (b - mean of the batch) / scale^2."""
    start = np.asarray(start)
    base = tfd.MultivariateNormalDiag(
        tf.zeros(start.shape, dtype), tf.fill(start.shape, tf.constant(scale, dtype))
    )
    return tfd.TransformedDistribution(base, tfb.Shift(tf.Variable(start, dtype=dtype)))


def small_flow(seed=0):
    return flows.real_nvp(2, num_layers=2, hidden_units=(8,), seed=seed)


def values(flow):
    return [variable.numpy() for variable in flow.variables]


def fit(flow, data=POINTS, **options):
    return training.fit(flow, data, **{"batch_size": 16, "progress": False, **options})


def assert_bit_equal(here, there):
    assert [a.tobytes() for a in here] == [b.tobytes() for b in there]


def adam(start, gradient, rates, clip_norm=None):
    """Kingma & Ba (2015), Algorithm 1, line by line."""
    theta, m, v = np.array(start, np.float64), 0.0, 0.0
    course = [theta]
    for t, alpha in enumerate(rates, start=1):
        g = gradient(theta)
        if clip_norm is not None and np.linalg.norm(g) > clip_norm:
            g = g * clip_norm / np.linalg.norm(g)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        theta = theta - alpha * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        course.append(theta)
    return np.array(course)


class TestAdam:
    @pytest.mark.parametrize("clip_norm", [None, 1.5])
    @pytest.mark.parametrize("jit_compile", [True, False])
    def test_every_step_is_that_of_algorithm_1(self, clip_norm, jit_compile):
        rate = training.cosine_decay(0.3, num_steps=25, warmup=5)
        history = fit(
            shift_flow(),
            num_steps=25,
            batch_size=100,  # all 40 points in every step
            learning_rate=rate,
            clip_norm=clip_norm,
            snapshot_every=1,
            steps_per_call=7,
            jit_compile=jit_compile,
        )
        mean = POINTS.mean(axis=0)
        expected = adam([0, 0], lambda b: b - mean, [rate(s) for s in range(25)], clip_norm)
        found = np.array([value[0] for _, value in history.snapshots])
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
        assert [step for step, _ in history.snapshots] == list(range(26))
        losses = [
            np.log(2 * np.pi) + 0.5 * ((POINTS - b) ** 2).sum(axis=1).mean() for b in expected[:-1]
        ]
        np.testing.assert_allclose(history.loss, losses, rtol=1e-12)
        np.testing.assert_array_equal(history.learning_rate, [rate(s) for s in range(25)])
        np.testing.assert_array_equal(history.step, np.arange(25))

    def test_clipping_leaves_a_small_gradient_alone(self):
        loose, free = shift_flow(), shift_flow()
        fit(loose, num_steps=5, clip_norm=1e6)
        fit(free, num_steps=5)
        assert_bit_equal(values(loose), values(free))

    def test_loss_falls_to_the_entropy_of_a_gaussian(self):
        # A foreign flow, float32: the best it can do is the normal of the data's own moments.
        scale = tfp.util.TransformedVariable(tf.eye(2), tfb.FillScaleTriL(), name="scale")
        bijector = tfb.Chain(
            [tfb.Shift(tf.Variable(tf.zeros([2]))), tfb.ScaleMatvecTriL(scale_tril=scale)]
        )
        flow = tfd.TransformedDistribution(
            tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2])), bijector
        )
        data = POINTS @ [[1.0, 0.4], [0.0, 1.0]]
        history = fit(flow, data, num_steps=800, batch_size=40, learning_rate=0.03)
        entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.cov(data.T, bias=True))[1]
        np.testing.assert_allclose(history.loss[-1], entropy, rtol=0, atol=1e-4)
        np.testing.assert_allclose(flow.bijector(tf.zeros(2)), data.mean(axis=0), rtol=0, atol=1e-2)

    def test_a_distribution_gives_fresh_batches(self):
        target = tfd.MultivariateNormalDiag(tf.constant([3.0, -1.0]), tf.constant([1.0, 1.0]))
        flow = shift_flow(dtype=tf.float32)
        history = fit(flow, target, num_steps=300, batch_size=256, learning_rate=0.05)
        assert abs(history.loss[-50:].mean() - float(target.entropy())) < 0.02
        np.testing.assert_allclose(flow.bijector.shift, [3.0, -1.0], rtol=0, atol=0.1)
        # No two batches are the same: at nearly constant weights the losses still differ.
        assert len(set(history.loss[-50:])) == 50


class TestBatches:
    def test_an_epoch_has_every_point_once(self):
        data = np.zeros([10, 2])
        (rows,) = objectives.ArrayLikelihood([data], 4, 3, tf.float32).rows(0, 15)
        assert rows.shape == (15, 4)
        epochs = rows.reshape(6, 10)  # six epochs, cut into fifteen batches
        assert (np.sort(epochs, axis=1) == np.arange(10)).all()
        assert len({tuple(epoch) for epoch in epochs}) == 6

    def test_a_batch_depends_on_seed_and_step_alone(self):
        data = np.zeros([10, 2])
        (together,) = objectives.ArrayLikelihood([data], 4, 3, tf.float32).rows(0, 15)
        apart = objectives.ArrayLikelihood([data], 4, 3, tf.float32)
        for first, count in [(14, 1), (0, 2), (5, 9)]:
            np.testing.assert_array_equal(
                apart.rows(first, count)[0], together[first : first + count]
            )
        (other,) = objectives.ArrayLikelihood([data], 4, 4, tf.float32).rows(0, 15)
        assert (other != together).any()

    def test_a_batch_is_at_most_the_data(self):
        (rows,) = objectives.ArrayLikelihood([np.zeros([3, 2])], 512, 0, tf.float32).rows(0, 2)
        assert np.sort(rows, axis=1).tolist() == [[0, 1, 2], [0, 1, 2]]


@pytest.fixture(scope="module")
def reference():
    flow = small_flow()
    return flow, fit(flow, num_steps=60, seed=5, jit_compile=True)


class TestRepeatability:
    def test_same_seed_same_bits_however_the_steps_are_grouped(self, reference):
        for options in ({}, {"steps_per_call": 7}, {"snapshot_every": 11}):
            flow = small_flow()
            history = fit(flow, num_steps=60, seed=5, jit_compile=True, **options)
            assert_bit_equal(values(flow), values(reference[0]))
            assert_bit_equal([history.loss], [reference[1].loss])

    def test_another_seed_gives_another_run(self, reference):
        history = fit(small_flow(), num_steps=60, seed=6)
        assert (history.loss != reference[1].loss).any()

    def test_xla_compiles_long_runs_on_vectors(self, monkeypatch):
        used = []

        def note(flow, objective, *, jit_compile, **options):
            used.append(jit_compile)
            raise KeyError  # before anything is trained

        monkeypatch.setattr(loop, "engine_for", note)
        noise = tfd.Sample(tfd.Normal(0.0, 1.0), [2, 2, 1])
        images = tfd.TransformedDistribution(noise, tfb.Shift(tf.Variable(tf.zeros([2, 2, 1]))))
        for flow, num_steps, given, expected in [
            (shift_flow(), 1000, None, False),
            (shift_flow(), 1001, None, True),
            (images, 1001, None, False),
            (images, 1001, True, True),
            (shift_flow(), 1001, False, False),
            (shift_flow(), 1, True, True),
        ]:
            data = np.zeros([4, *flow.event_shape])
            with pytest.raises(KeyError):
                fit(flow, data, num_steps=num_steps, jit_compile=given)
            assert used.pop() is expected
        with pytest.raises(ValueError, match="jit_compile must be True, False or None, got 'yes'"):
            fit(shift_flow(), jit_compile="yes")

    def test_plain_graphs_train_too(self, reference):
        history = fit(small_flow(), num_steps=60, seed=5, jit_compile=False)
        np.testing.assert_allclose(history.loss, reference[1].loss, rtol=0, atol=1e-3)

    def test_a_further_fit_compiles_nothing(self):
        flow = small_flow()
        first = fit(flow, num_steps=20, clip_norm=1.0, validation_data=POINTS[:7])
        assert first.compile_seconds > 0.1
        (engine,) = _ENGINES[flow].values()
        before = values(flow)
        for options in (
            {"num_steps": 33, "clip_norm": 2.0},
            {"seed": 8, "learning_rate": 1e-2, "max_seconds": 100.0},
            {"learning_rate": training.cosine_decay(1e-3, 200), "num_steps": 200},
        ):
            again = fit(flow, **{"clip_norm": 1.0, "validation_data": POINTS[:7], **options})
            assert again.compile_seconds == 0
            # One call that is compiled again would take longer than all of it.
            assert again.seconds < first.compile_seconds
        assert list(_ENGINES[flow].values()) == [engine]
        assert engine.compiled.experimental_get_tracing_count() == 1
        assert engine.log_prob.experimental_get_tracing_count() == 1
        assert any((a != b).any() for a, b in zip(before, values(flow), strict=True))

    def test_a_further_fit_goes_on_from_the_weights_with_new_moments(self):
        flow, mean = shift_flow(), POINTS.mean(axis=0)
        for start in ([0.0, 0.0], adam([0, 0], lambda b: b - mean, [0.1] * 4)[-1]):
            np.testing.assert_allclose(flow.bijector.shift, start, rtol=1e-12)
            fit(flow, num_steps=4, batch_size=40, learning_rate=0.1)
        end = adam(start, lambda b: b - mean, [0.1] * 4)[-1]
        np.testing.assert_allclose(flow.bijector.shift, end, rtol=1e-12)

    def test_what_is_compiled_dies_with_its_flow(self):
        flow = small_flow()
        fit(flow, num_steps=2)
        alive = weakref.ref(flow)
        (engine,) = map(weakref.ref, _ENGINES[flow].values())
        del flow
        gc.collect()
        assert alive() is None
        assert engine() is None

    def test_other_shapes_and_targets_get_their_own_steps(self):
        flow = shift_flow()
        target = tfd.MultivariateNormalDiag(tf.ones([2]), tf.ones([2]))
        for data in (POINTS, POINTS[:20], target, POINTS + 1.0, target):
            fit(flow, data, num_steps=2)
        assert len(_ENGINES[flow]) == 3


class TestActNorm:
    def test_the_first_fit_standardises_and_later_ones_leave_it(self):
        flow = small_flow()
        standardise = flows.layers(flow)[-1].bijectors[0]
        fit(flow, POINTS * 1000, num_steps=1)
        np.testing.assert_allclose(standardise.shift, 1000 * POINTS.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(
            tf.exp(standardise.log_scale), 1000 * POINTS.std(axis=0), rtol=1e-5
        )
        before = values(standardise)
        fit(flow, POINTS, num_steps=1)
        assert_bit_equal(values(standardise), before)

    def test_a_distribution_standardises_by_draws(self):
        flow = small_flow()
        target = tfd.MultivariateNormalDiag(tf.constant([50.0, 0.0]), tf.constant([1.0, 20.0]))
        fit(flow, target, num_steps=1)
        standardise = flows.layers(flow)[-1].bijectors[0]
        np.testing.assert_allclose(standardise.shift, [50.0, 0.0], rtol=0, atol=1.0)
        np.testing.assert_allclose(tf.exp(standardise.log_scale), [1.0, 20.0], rtol=0.05)

    def test_reverse_kl_leaves_the_identity_for_good(self):
        flow = small_flow()
        standardise = flows.layers(flow)[-1].bijectors[0]
        training.fit_reverse_kl(
            flow, lambda x: -tf.reduce_sum(x**2, -1), num_steps=1, progress=False
        )
        assert bool(standardise.initialized)
        fit(flow, POINTS + 100.0, num_steps=1)
        np.testing.assert_array_equal(standardise.shift, [0.0, 0.0])
        np.testing.assert_array_equal(standardise.log_scale, [0.0, 0.0])


class TestUntrainedWeights:
    def test_a_flow_without_variables_is_refused(self):
        flow = tfd.TransformedDistribution(
            tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2])), tfb.Shift([1.0, 2.0])
        )
        with pytest.raises(ValueError, match=r"trainable_variables is empty.*Keras 3"):
            fit(flow)

    def test_a_network_that_is_not_tracked_is_refused(self):
        kernel = tf.Variable([[1.0], [2.0]], name="hidden_kernel")  # only the closure holds it

        class Coupling(tfb.Bijector):
            def __init__(self):
                super().__init__(forward_min_event_ndims=1)
                self.shift = tf.Variable([0.0, 0.0], name="shift")

            def _inverse(self, y):
                return y - self.shift

            def _inverse_log_det_jacobian(self, y):
                return tf.squeeze(y @ kernel, -1)

        base = tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2]))
        flow = tfd.TransformedDistribution(base, Coupling())
        with pytest.raises(ValueError, match=r"1 trainable variables .* lacks \(first: hidden_ker"):
            fit(flow)
        np.testing.assert_array_equal(flow.bijector.shift, [0.0, 0.0])


class TestNotFinite:
    """Where the rate is 1e200, the square of the next loss overflows."""

    @pytest.mark.parametrize("at", [0, 1, 4, 5, 6, 10, 13])
    def test_keeps_the_last_weights_whose_loss_was_finite(self, at):
        flow, same = shift_flow(), shift_flow()

        def rate(step):
            return 1e200 if step == at - 1 else 0.1

        if at == 0:
            flow.bijector.shift.assign([1e200, 0.0])
            same.bijector.shift.assign([1e200, 0.0])
        with pytest.raises(training.NonFiniteLossError, match=f"loss .* at step {at} ") as caught:
            fit(flow, num_steps=20, learning_rate=rate, steps_per_call=5)
        assert isinstance(caught.value, ArithmeticError)
        assert caught.value.step == at
        history = caught.value.history
        assert len(history.loss) == len(history.learning_rate) == at
        assert np.isfinite(history.loss).all()
        assert history.stop_reason == "not finite"
        if at > 1:
            straight = fit(same, num_steps=at - 1, learning_rate=0.1, steps_per_call=5)
            assert_bit_equal([straight.loss], [history.loss[:-1]])
        assert_bit_equal(values(flow), values(same))

    def test_a_gradient_that_is_not_finite_changes_nothing(self):
        @tf.custom_gradient
        def log_prob(x):
            not_a_number = tf.constant(np.nan, x.dtype)
            slope = tf.where(x[:, :1] > 0, -tf.ones_like(x), not_a_number)
            return -x[:, 0], lambda upstream: upstream[:, tf.newaxis] * slope

        options = {"batch_size": 8, "learning_rate": 0.1, "progress": False}
        flow, same = (shift_flow([0.55, 0.0], scale=1e-6) for _ in range(2))
        with pytest.raises(training.NonFiniteLossError, match="gradient") as caught:
            training.fit_reverse_kl(flow, log_prob, num_steps=20, steps_per_call=4, **options)
        step = caught.value.step
        assert 5 <= step < 9
        assert len(caught.value.history.loss) == step + 1  # the loss itself was finite
        training.fit_reverse_kl(same, log_prob, num_steps=step, **options)
        assert_bit_equal(values(flow), values(same))
        assert flow.bijector.shift[0] < 0

    def test_weights_that_are_not_finite_to_begin_with(self):
        with pytest.raises(ValueError, match="not finite"):
            fit(shift_flow([np.nan, 0.0]))


@pytest.fixture
def usual():
    """Python's own handler of Ctrl-C: a process that a script started may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


class TestStopping:
    def test_ctrl_c_returns_the_history_so_far(self, usual):
        flow, same = shift_flow(), shift_flow()

        def snapshot(flow):
            if len(steps) == 3:
                os.kill(os.getpid(), signal.SIGINT)
            steps.append(None)

        steps = []
        history = fit(flow, num_steps=1000, snapshot_every=10, snapshot_fn=snapshot)
        assert history.stop_reason == "interrupted"
        assert len(history.loss) == 30
        fit(same, num_steps=30)
        assert_bit_equal(values(flow), values(same))
        assert signal.getsignal(signal.SIGINT) is usual

    def test_a_snapshot_that_is_interrupted_ends_the_run(self):
        def snapshot(flow):
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(None)

        seen = []
        history = fit(shift_flow(), num_steps=1000, snapshot_every=10, snapshot_fn=snapshot)
        assert (history.stop_reason, len(history.loss)) == ("interrupted", 20)
        assert [step for step, _ in history.snapshots] == [0, 10]

    def test_a_second_ctrl_c_raises(self):
        def snapshot(flow):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)

        def raise_second(number, frame):
            raise RuntimeError("second")

        usual = signal.signal(signal.SIGINT, raise_second)
        try:
            with pytest.raises(RuntimeError, match="second"):
                fit(shift_flow(), snapshot_every=10, snapshot_fn=snapshot)
            assert signal.getsignal(signal.SIGINT) is raise_second
        finally:
            signal.signal(signal.SIGINT, usual)

    def test_runs_outside_the_main_thread(self):
        found = []
        thread = threading.Thread(target=lambda: found.append(fit(shift_flow(), num_steps=3)))
        thread.start()
        thread.join()
        assert found[0].stop_reason == "finished"

    def test_max_seconds_ends_after_a_call(self):
        history = fit(shift_flow(), num_steps=10**9, max_seconds=1e-9, steps_per_call=5)
        assert (history.stop_reason, len(history.loss)) == ("max_seconds", 5)

    def test_early_stopping_restores_the_best_weights(self):
        # b goes from 0 to 3 in steps of 0.1 and passes 2, where the validation data are.
        flow = shift_flow()
        history = fit(
            flow,
            np.full([4, 2], 9.0),
            num_steps=1000,
            learning_rate=0.1,
            validation_data=np.full([5, 2], 2.0),
            validation_every=3,
            patience=4,
        )
        assert history.stop_reason == "early stopping"
        best = int(np.argmin(history.validation_loss))
        assert history.best_step == history.validation_step[best] == 21
        assert len(history.validation_loss) == best + 1 + 4
        assert len(history.loss) == history.validation_step[-1]
        np.testing.assert_allclose(flow.bijector.shift, [2.0, 2.0], rtol=0, atol=0.15)
        expected = np.log(2 * np.pi) + (flow.bijector.shift[0] - 2.0) ** 2
        np.testing.assert_allclose(history.validation_loss[best], expected, rtol=1e-12)

    def test_validation_counts_every_point_once(self, monkeypatch):
        monkeypatch.setattr(validation, "_NUMBERS", 32)  # 40 points: two blocks and a half
        flow = shift_flow()
        history = fit(flow, num_steps=4, validation_data=POINTS, validation_every=4)
        np.testing.assert_array_equal(history.validation_step, [4])
        np.testing.assert_allclose(
            history.validation_loss, [-np.mean(flow.log_prob(POINTS))], rtol=1e-12
        )

    def test_validation_draws_are_the_same_in_every_run(self):
        target = tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2]))
        losses = [
            fit(shift_flow(), num_steps=4, validation_data=target, validation_every=2)
            for _ in range(2)
        ]
        assert_bit_equal([losses[0].validation_loss], [losses[1].validation_loss])


class TestReverseKL:
    def test_reaches_minus_log_z_of_a_gaussian(self):
        def log_prob(x):  # Z = 2 pi 0.5 exp(3)
            return -0.5 * ((x[:, 0] - 2.0) ** 2 + (x[:, 1] / 0.5) ** 2) + 3.0

        scale = tfp.util.TransformedVariable(tf.ones([2]), tfb.Exp())
        bijector = tfb.Chain([tfb.Shift(tf.Variable(tf.zeros([2]))), tfb.ScaleMatvecDiag(scale)])
        base = tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2]))
        flow = tfd.TransformedDistribution(base, bijector)
        history = training.fit_reverse_kl(
            flow,
            log_prob,
            num_steps=500,
            learning_rate=training.cosine_decay(0.05, 500),
            progress=False,
        )
        # At q = p the integrand itself is constant, so the loss has no noise left.
        np.testing.assert_allclose(history.loss[-1], -np.log(np.pi) - 3.0, rtol=0, atol=1e-3)
        np.testing.assert_allclose(flow.bijector(tf.zeros(2)), [2.0, 0.0], rtol=0, atol=1e-2)
        np.testing.assert_allclose(scale, [1.0, 0.5], rtol=1e-2)

    def test_annealing_is_equation_20(self):
        options = {"num_steps": 12, "batch_size": 4, "learning_rate": 1e-30, "progress": False}

        def losses(**more):
            flow = shift_flow()  # a rate so small that it stays N(0, 1)
            return training.fit_reverse_kl(
                flow, lambda x: 0 * x[:, 0] - 7.0, **options, **more
            ).loss

        beta = (losses(annealing_steps=10) - losses(annealing_steps=10**9)) / 7.0 + 0.01
        expected = np.minimum(1.0, 0.01 + np.arange(12) / 10)
        np.testing.assert_allclose(beta, expected, rtol=0, atol=1e-7)
        beta = (losses() - losses(annealing_steps=10**9)) / 7.0 + 0.01
        np.testing.assert_allclose(beta, 1.0, rtol=0, atol=1e-7)

    def test_never_inverts(self):
        class OneWay(tfb.Bijector):
            def __init__(self):
                super().__init__(forward_min_event_ndims=1)
                self.shift = tf.Variable([0.0, 0.0])

            def _forward(self, x):
                return x + self.shift

            def _forward_log_det_jacobian(self, x):
                return tf.zeros(tf.shape(x)[:-1])

        base = tfd.MultivariateNormalDiag(tf.zeros([2]), tf.ones([2]))
        flow = tfd.TransformedDistribution(base, OneWay())
        target = tfd.MultivariateNormalDiag(tf.constant([1.0, -1.0]), tf.ones([2]))
        history = training.fit_reverse_kl(
            flow,
            target,
            num_steps=200,
            learning_rate=training.cosine_decay(0.05, 200),
            progress=False,
        )
        np.testing.assert_allclose(flow.bijector.shift, [1.0, -1.0], rtol=0, atol=0.02)
        assert abs(history.loss[-1]) < 1e-3

    def test_a_target_may_have_variables_of_its_own(self):
        target = tfd.MultivariateNormalDiag(tf.Variable([1.0, -1.0]), tf.ones([2]))
        training.fit_reverse_kl(shift_flow(dtype=tf.float32), target, num_steps=2, progress=False)
        np.testing.assert_array_equal(target.loc, [1.0, -1.0])

    def test_float64_stays_float64(self):
        flow = flows.planar(2, num_layers=1, dtype=tf.float64)
        target = tfd.MultivariateNormalDiag(tf.zeros([2], tf.float64), tf.ones([2], tf.float64))
        history = training.fit_reverse_kl(flow, target, num_steps=3, progress=False)
        assert {variable.dtype for variable in flow.trainable_variables} == {tf.float64}
        assert history.loss[0] != np.float32(history.loss[0])

    def test_refuses_a_target_of_another_shape(self):
        with pytest.raises(ValueError, match=r"shape \[512, 2\] to \[512\], got \[512, 2\]"):
            training.fit_reverse_kl(shift_flow(), lambda x: -(x**2), progress=False)
        with pytest.raises(ValueError, match=r"target_log_prob must be a callable.* got 3"):
            training.fit_reverse_kl(shift_flow(), 3)
        with pytest.raises(ValueError, match=r"Energy\('U1'.* lambda z: -energy\(z\)"):
            training.fit_reverse_kl(shift_flow(), targets.energy("U1"))
        with pytest.raises(ValueError, match=r"to \[512\], got \[\]"):
            training.fit_reverse_kl(shift_flow(), lambda x: 0.0, progress=False)
        with pytest.raises(ValueError, match="annealing_steps must not be negative, got -1"):
            training.fit_reverse_kl(shift_flow(), lambda x: x[:, 0], annealing_steps=-1)


class TestFlowsOfTheModule:
    @pytest.mark.parametrize("make", [flows.planar, flows.radial, flows.real_nvp])
    def test_learn_by_likelihood_compiled(self, make):
        """The planar inverse is a loop, and XLA cannot keep a loop's intermediate values."""
        flow = make(2, num_layers=2)
        options = {"num_steps": 200, "learning_rate": 0.02, "progress": False}
        history = training.fit(flow, targets.make("banana"), **options)
        assert np.mean(history.loss[-20:]) < np.mean(history.loss[:20]) - 0.1


class TestProgress:
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def test_a_terminal_sees_one_bar_with_the_loss(self, monkeypatch):
        stream = self.Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        fit(shift_flow(), num_steps=7, progress=True)
        assert "7/7" in stream.getvalue()
        assert "loss=" in stream.getvalue()
        assert stream.getvalue().count("\n") == 1

    @pytest.mark.parametrize(("terminal", "progress"), [(True, False), (False, True)])
    def test_no_one_else_sees_anything(self, monkeypatch, terminal, progress):
        stream = self.Terminal() if terminal else io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        fit(shift_flow(), num_steps=7, progress=progress)
        assert stream.getvalue() == ""


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_steps": -5}, "num_steps must be at least 1, got -5"),
            ({"num_steps": 1.5}, "num_steps must be a whole number, got 1.5"),
            ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
            ({"steps_per_call": 0}, "steps_per_call must be at least 1, got 0"),
            ({"checkpoint_every": -1}, "checkpoint_every must be at least 1, got -1"),
            ({"learning_rate": np.nan}, "learning_rate must be finite and above 0, got nan"),
            ({"learning_rate": -1e-3}, "learning_rate must be finite and above 0, got -0.001"),
            ({"learning_rate": lambda step: step - 3}, "not negative, got -3.0 at step 0"),
            ({"seed": -1}, "seed must not be negative, got -1"),
            ({"seed": 2**31}, "seed must be below 2.31, got 2147483648"),
            ({"clip_norm": 0.0}, "clip_norm must be finite and above 0, got 0.0"),
            ({"max_seconds": -1.0}, "max_seconds must be finite and above 0, got -1.0"),
            ({"patience": 3}, "patience=3 needs validation_data"),
            ({"patience": 0, "validation_data": POINTS}, "patience must be at least 1, got 0"),
            ({"validation_every": 0, "validation_data": POINTS}, "validation_every must be at"),
            ({"validation_every": -2}, "validation_every must be at least 1, got -2"),
            (
                {"validation_context": [[1.0]]},
                r"validation_context=\[\[1.0\]\] needs validation_data",
            ),
            ({"validation_data": POINTS[:, :1]}, "validation_data must have 2 columns, got 1"),
            ({"snapshot_fn": len}, "snapshot_fn=.*needs a snapshot_every"),
            ({"snapshot_fn": 5, "snapshot_every": 2}, "snapshot_fn must be callable, got 5"),
            ({"learning_rate": lambda step: None}, r"must give numbers, got \[None\] from step 0"),
            ({"learning_rate": lambda step: 998.5 - step}, r"not negative, got -0\.5 at step 999"),
            ({"checkpoint": 5}, "checkpoint must be a path, got 5"),
            ({"checkpoint": "."}, r"checkpoint='\.' is a folder"),
            ({"snapshot_every": 0}, "snapshot_every must be at least 1, got 0"),
            ({"checkpoint": "no/such/folder/a.npz"}, "no folder .*no/such/folder"),
        ],
    )
    def test_are_refused_by_name_and_value(self, options, message):
        flow = shift_flow()
        with pytest.raises(ValueError, match=message):
            fit(flow, **options)
        np.testing.assert_array_equal(flow.bijector.shift, [0.0, 0.0])

    def test_not_inside_a_graph(self):
        flow = shift_flow()
        with pytest.raises(ValueError, match=r"cannot run inside a tf\.function"):
            tf.function(lambda: fit(flow, num_steps=2).loss, autograph=False)()
        assert len(fit(flow, num_steps=2).loss) == 2  # and the flow is none the worse for it

    def test_a_flow_must_be_a_distribution_of_vectors(self):
        with pytest.raises(
            ValueError, match=r"flow must be a tfd.Distribution or a ConditionalFlow, got <.*Shift"
        ):
            fit(tfb.Shift(tf.Variable([0.0, 0.0])))
        with pytest.raises(ValueError, match=r"got event_shape \(\) and batch_shape \(2,\)"):
            fit(tfd.Normal(tf.Variable([0.0, 0.0]), 1.0))

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (np.where(np.arange(80).reshape(40, 2) == 34, np.nan, POINTS), "row 17 .counted from"),
            (np.zeros([0, 2]), "data is empty"),
            (np.zeros([5, 3]), "data must have 2 columns, got 3"),
            (np.zeros([5]), r"data must have shape \[n, d\]"),
            ([["a", "b"]], "data must be an array of numbers"),
            (tfd.Normal(0.0, 1.0), r"data must have event_shape \(2,\)"),
            (tfd.MultivariateNormalDiag(tf.zeros([4, 2]), tf.ones([2])), "no batch shape"),
        ],
    )
    def test_data_are_refused_by_value(self, data, message):
        flow = small_flow()
        before = values(flow)
        with pytest.raises(ValueError, match=message):
            fit(flow, data)
        assert_bit_equal(values(flow), before)


class TestCosineDecay:
    def test_rises_and_falls(self):
        rate = training.cosine_decay(2.0, num_steps=12, warmup=4)
        found = [rate(step) for step in range(14)]
        cosine = [1 + np.cos(np.pi * k / 8) for k in range(8)]
        np.testing.assert_allclose(found, [0.5, 1.0, 1.5, 2.0, *cosine, 0, 0], rtol=0, atol=1e-15)

    def test_refuses_a_warmup_that_never_ends(self):
        with pytest.raises(ValueError, match="warmup must be below num_steps=10, got 10"):
            training.cosine_decay(1e-3, 10, warmup=10)
        with pytest.raises(ValueError, match="peak must be finite and above 0, got inf"):
            training.cosine_decay(np.inf, 10)
