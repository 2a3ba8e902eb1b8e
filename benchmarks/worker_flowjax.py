"""Trains flows of flowjax.

`documented` is the loop of its own `fit_to_data` (flowjax.train.loops) without that loop's
validation, which is left out in the peer's favour; `scan` puts 50 of the same steps into one
compiled `lax.scan`, the best setting found.
"""

import contest
import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
import paramax
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow, masked_autoregressive_flow
from flowjax.train.losses import MaximumLikelihoodLoss
from flowjax.train.train_utils import get_batches, step


class Trainer:
    """See `contest`."""

    def __init__(self, spec, data, variant, seed):
        self._data = jnp.asarray(data)
        self._key, weights = jr.split(jr.key(seed))
        spline = RationalQuadraticSpline(knots=spec.bins - 1, interval=spec.bound)
        build = masked_autoregressive_flow if spec.kind == "maf" else coupling_flow
        flow = build(
            weights,
            base_dist=Normal(jnp.zeros(spec.dimensions)),
            transformer=spline if spec.kind == "spline" else None,
            flow_layers=spec.layers,
            nn_width=spec.units,
            nn_depth=2,
        )
        self._params, self._static = eqx.partition(
            flow, eqx.is_inexact_array, is_leaf=lambda x: isinstance(x, paramax.NonTrainable)
        )
        self._optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=1e-3)
        self._state = self._optimizer.init(self._params)
        self._loss = MaximumLikelihoodLoss()
        self._batches = iter(())
        self._many = eqx.filter_jit(self._fifty_steps)
        self.steps = {"documented": self._documented, "scan": self._scan}[variant]
        compile_or_not = {"documented": lambda draw: draw, "scan": eqx.filter_jit}[variant]
        self._draw = compile_or_not(lambda flow, key, count: flow.sample(key, (count,)))

    def log_prob(self, points):
        """Log-densities of points."""
        return eqx.filter_jit(self._flow().log_prob)(jnp.asarray(points))

    def sample(self, count):
        """Draws points; `scan` compiles that, too."""
        self._draw(self._flow(), self._split_key(), count).block_until_ready()

    def _flow(self):
        return paramax.unwrap(eqx.combine(self._params, self._static))

    def _split_key(self):
        self._key, key = jr.split(self._key)
        return key

    def _documented(self, count, rate):
        """The inner loop of fit_to_data: shuffle, cut into batches, one compiled step each."""
        self._state.hyperparams["learning_rate"] = jnp.asarray(rate)
        losses = []
        while len(losses) < count:
            batch = next(self._batches, None)
            if batch is None:
                shuffled = [jr.permutation(self._split_key(), self._data)]
                self._batches = zip(*get_batches(shuffled, contest.BATCH), strict=True)
                continue
            self._params, self._state, loss = step(
                self._params,
                self._static,
                *batch,
                optimizer=self._optimizer,
                opt_state=self._state,
                loss_fn=self._loss,
                key=self._split_key(),
            )
            losses.append(loss)
        return float(losses[-1])

    def _fifty_steps(self, params, state, data, key):
        def one_step(carry, key):
            params, state = carry
            rows = jr.randint(key, [contest.BATCH], 0, data.shape[0])
            loss, gradients = eqx.filter_value_and_grad(self._loss)(
                params, self._static, data[rows], key=key
            )
            updates, state = self._optimizer.update(gradients, state, params=params)
            return (eqx.apply_updates(params, updates), state), loss

        keys = jr.split(key, contest.PER_CALL)
        (params, state), losses = jax.lax.scan(one_step, (params, state), keys)
        return params, state, losses[-1]

    def _scan(self, count, rate):
        """As many calls of 50 steps as it takes."""
        self._state.hyperparams["learning_rate"] = jnp.asarray(rate)
        for _ in range(count // contest.PER_CALL):
            self._params, self._state, loss = self._many(
                self._params, self._state, self._data, self._split_key()
            )
        return float(loss)


contest.run(Trainer)
