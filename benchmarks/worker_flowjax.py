"""Trains the flow of a case by flowjax.

The second argument says how: `documented` is the loop of its own `fit_to_data`
(flowjax.train.loops) without that loop's validation, which is left out in the peer's favour;
`scan` puts 50 of the same steps into one compiled `lax.scan`, the best setting found.
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import paramax
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow, masked_autoregressive_flow
from flowjax.train.losses import MaximumLikelihoodLoss
from flowjax.train.train_utils import get_batches, step
from speed_cases import BATCH, BINS, BOUND, CASES, POINTS, RATE, serve

SCAN = 50

kind, dimensions, layers, units = CASES[sys.argv[1]]
data = jnp.asarray(np.random.default_rng(0).normal(size=[POINTS, dimensions]).astype(np.float32))
key = jr.key(0)
build = masked_autoregressive_flow if kind == "maf" else coupling_flow
spline = RationalQuadraticSpline(knots=BINS, interval=BOUND) if kind == "spline" else None
flow = build(
    key,
    base_dist=Normal(jnp.zeros(dimensions)),
    transformer=spline,
    flow_layers=layers,
    nn_width=units,
    nn_depth=2,
)
params, static = eqx.partition(
    flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
)
optimizer = optax.adam(RATE)
opt_state = optimizer.init(params)
loss_fn = MaximumLikelihoodLoss()


def documented(num_steps):
    """The inner loop of fit_to_data: shuffle, cut into batches, one compiled step each."""
    global params, opt_state, key
    losses = []
    while len(losses) < num_steps:
        key, shuffle_key = jr.split(key)
        shuffled = [jr.permutation(shuffle_key, data)]
        for batch in zip(*get_batches(shuffled, BATCH), strict=True):
            key, step_key = jr.split(key)
            params, opt_state, loss = step(
                params,
                static,
                *batch,
                optimizer=optimizer,
                opt_state=opt_state,
                loss_fn=loss_fn,
                key=step_key,
            )
            losses.append(loss)
            if len(losses) == num_steps:
                break
    return float(losses[-1])


@eqx.filter_jit
def many_steps(params, opt_state, key):
    """50 steps in one compiled call."""

    def one_step(carry, step_key):
        params, opt_state = carry
        rows = jr.randint(step_key, [BATCH], 0, data.shape[0])
        loss, gradients = eqx.filter_value_and_grad(loss_fn)(
            params, static, data[rows], key=step_key
        )
        updates, opt_state = optimizer.update(gradients, opt_state, params=params)
        return (eqx.apply_updates(params, updates), opt_state), loss

    (params, opt_state), losses = jax.lax.scan(one_step, (params, opt_state), jr.split(key, SCAN))
    return params, opt_state, losses[-1]


def scan(num_steps):
    """As many calls of 50 steps as it takes."""
    global params, opt_state, key
    for _ in range(num_steps // SCAN):
        key, call_key = jr.split(key)
        params, opt_state, loss = many_steps(params, opt_state, call_key)
    return float(loss)


serve({"documented": documented, "scan": scan}[sys.argv[2]])
