"""Trains the flow of a case by a PyTorch library, as its documentation shows.

The second argument names the library: zuko, nflows or normflows. Batches are rows drawn by
index, which is faster than a data loader, in the peers' favour.
"""

import sys

import numpy as np
import torch
from speed_cases import BATCH, BINS, BOUND, CASES, POINTS, RATE, serve

kind, dimensions, layers, units = CASES[sys.argv[1]]
data = np.random.default_rng(0).normal(size=[POINTS, dimensions]).astype(np.float32)
data = torch.from_numpy(data)
hidden = [units, units]
torch.manual_seed(0)


def zuko():
    """Returns the flow's module, and its loss on a batch."""
    import zuko

    flow = {
        "real_nvp": lambda: zuko.flows.RealNVP(
            dimensions, transforms=layers, hidden_features=hidden
        ),
        "maf": lambda: zuko.flows.MAF(dimensions, transforms=layers, hidden_features=hidden),
        # Two passes make its autoregressive layers couplings.
        "spline": lambda: zuko.flows.NSF(
            dimensions, bins=BINS, transforms=layers, hidden_features=hidden, passes=2
        ),
    }[kind]()
    return flow, lambda x: -flow().log_prob(x).mean()


def nflows():
    """Returns the flow's module, and its loss on a batch."""
    from nflows import distributions, flows, nn, transforms, utils

    class Network(nn.nets.MLP):
        """Its couplings hand over a context, which its own MLP does not take."""

        def forward(self, inputs, context=None):
            return super().forward(inputs)

    def network(inputs, outputs):
        return Network([inputs], [outputs], hidden, activation=torch.relu)

    stack = []
    for k in range(layers):
        mask = utils.create_alternating_binary_mask(dimensions, even=k % 2 == 0)
        if kind == "real_nvp":
            stack.append(transforms.AffineCouplingTransform(mask, network))
        elif kind == "spline":
            stack.append(
                transforms.PiecewiseRationalQuadraticCouplingTransform(
                    mask, network, num_bins=BINS, tails="linear", tail_bound=BOUND
                )
            )
        else:
            stack += [
                transforms.ReversePermutation(dimensions),
                transforms.MaskedAffineAutoregressiveTransform(
                    dimensions, units, num_blocks=1, use_residual_blocks=False
                ),
            ]
    base = distributions.StandardNormal([dimensions])
    flow = flows.Flow(transforms.CompositeTransform(stack), base)
    return flow, lambda x: -flow.log_prob(inputs=x).mean()


def normflows():
    """Returns the flow's module, and its loss on a batch."""
    import normflows as nf

    stack = []
    for k in range(layers):
        if kind == "real_nvp":
            first = (dimensions + 1) // 2
            network = nf.nets.MLP([first, *hidden, 2 * (dimensions - first)], init_zeros=True)
            stack += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(dimensions)]
        elif kind == "spline":
            stack += [
                nf.flows.CoupledRationalQuadraticSpline(
                    dimensions, 1, units, num_bins=BINS, tail_bound=BOUND, reverse_mask=k % 2 == 1
                )
            ]
        else:
            stack += [
                nf.flows.MaskedAffineAutoregressive(
                    dimensions, units, num_blocks=1, use_residual_blocks=False
                ),
                nf.flows.Permute(dimensions, mode="swap"),
            ]
    model = nf.NormalizingFlow(nf.distributions.DiagGaussian(dimensions, trainable=False), stack)
    return model, model.forward_kld


model, loss_of = {"zuko": zuko, "nflows": nflows, "normflows": normflows}[sys.argv[2]]()
optimizer = torch.optim.Adam(model.parameters(), lr=RATE)


def train(num_steps):
    """Returns the last loss."""
    for _ in range(num_steps):
        batch = data[torch.randint(POINTS, (BATCH,))]
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss)


serve(train)
