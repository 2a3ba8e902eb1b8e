"""Trains flows of a PyTorch library, as its documentation shows; the variant names it.

Batches are rows drawn by index, which is faster than a data loader, in the peers' favour.
"""

import contest
import torch


def zuko(spec, hidden):
    """Returns the flow's module, its log-density and how to draw so many points."""
    import zuko

    size = {"transforms": spec.layers, "hidden_features": hidden}
    flow = {
        "real_nvp": lambda: zuko.flows.RealNVP(spec.dimensions, **size),
        "maf": lambda: zuko.flows.MAF(spec.dimensions, **size),
        # Two passes make its autoregressive layers couplings.
        "spline": lambda: zuko.flows.NSF(spec.dimensions, bins=spec.bins, passes=2, **size),
        "autoregressive_spline": lambda: zuko.flows.NSF(spec.dimensions, bins=spec.bins, **size),
    }[spec.kind]()
    return flow, lambda x: flow().log_prob(x), lambda count: flow().sample((count,))


def nflows(spec, hidden):
    """Returns the flow's module, its log-density and how to draw so many points."""
    from nflows import distributions, flows, nn, transforms, utils

    class Network(nn.nets.MLP):
        """Its couplings hand over a context, which its own MLP does not take."""

        def forward(self, inputs, context=None):
            return super().forward(inputs)

    def network(inputs, outputs):
        return Network([inputs], [outputs], hidden, activation=torch.relu)

    stack = []
    for k in range(spec.layers):
        mask = utils.create_alternating_binary_mask(spec.dimensions, even=k % 2 == 0)
        if spec.kind == "real_nvp":
            stack.append(transforms.AffineCouplingTransform(mask, network))
        elif spec.kind == "spline":
            stack.append(
                transforms.PiecewiseRationalQuadraticCouplingTransform(
                    mask, network, num_bins=spec.bins, tails="linear", tail_bound=spec.bound
                )
            )
        elif spec.kind == "autoregressive_spline":
            stack += [
                transforms.ReversePermutation(spec.dimensions),
                transforms.MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
                    spec.dimensions,
                    spec.units,
                    num_bins=spec.bins,
                    tails="linear",
                    tail_bound=spec.bound,
                    num_blocks=1,
                    use_residual_blocks=False,
                ),
            ]
        else:
            stack += [
                transforms.ReversePermutation(spec.dimensions),
                transforms.MaskedAffineAutoregressiveTransform(
                    spec.dimensions, spec.units, num_blocks=1, use_residual_blocks=False
                ),
            ]
    base = distributions.StandardNormal([spec.dimensions])
    flow = flows.Flow(transforms.CompositeTransform(stack), base)
    return flow, flow.log_prob, flow.sample


def normflows(spec, hidden):
    """Returns the flow's module, its log-density and how to draw so many points."""
    import normflows as nf

    d, stack = spec.dimensions, []
    for k in range(spec.layers):
        if spec.kind == "real_nvp":
            first = (d + 1) // 2
            network = nf.nets.MLP([first, *hidden, 2 * (d - first)], init_zeros=True)
            stack += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(d, mode="swap")]
        elif spec.kind == "spline":
            stack.append(
                nf.flows.CoupledRationalQuadraticSpline(
                    d,
                    1,
                    spec.units,
                    num_bins=spec.bins,
                    tail_bound=spec.bound,
                    reverse_mask=k % 2 == 1,
                )
            )
        else:
            layer = nf.flows.MaskedAffineAutoregressive(
                d, spec.units, num_blocks=1, use_residual_blocks=False
            )
            # As it is, sampling is fast and the density slow. Training needs the density.
            stack += [nf.flows.Reverse(layer), nf.flows.Permute(d, mode="swap")]
    model = nf.NormalizingFlow(nf.distributions.DiagGaussian(d, trainable=False), stack)
    return model, model.log_prob, model.sample


class Trainer:
    """See `contest`."""

    def __init__(self, spec, data, variant, seed):
        torch.manual_seed(seed)
        self._data = torch.from_numpy(data)
        build = {"zuko": zuko, "nflows": nflows, "normflows": normflows}[variant]
        self._model, self._log_prob, self._draw = build(spec, [spec.units, spec.units])
        self._optimizer = torch.optim.Adam(self._model.parameters())

    def steps(self, count, rate):
        """Trains; returns the last loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        for _ in range(count):
            batch = self._data[torch.randint(len(self._data), (contest.BATCH,))]
            loss = -self._log_prob(batch).mean()
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
        return float(loss)

    def log_prob(self, points):
        """Log-densities of points."""
        with torch.no_grad():
            return self._log_prob(torch.from_numpy(points)).numpy()

    def sample(self, count):
        """Draws points."""
        with torch.no_grad():
            self._draw(count)


contest.run(Trainer)
