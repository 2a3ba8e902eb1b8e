"""Trains normflows' Glow, or a plain variational autoencoder of PyTorch; see image_steps.py."""

import sys

import contest
import torch
from torch import nn

LEVELS, STEPS, HIDDEN, LATENTS = 2, 4, 64, 40


def glow():
    """As in the example on Glow in the documentation of normflows, for one channel."""
    import normflows as nf

    bases, flows, merges = [], [], []
    for i in range(LEVELS):  # the deepest level first
        channels = 2 ** (LEVELS + 1 - i)
        level = [
            nf.flows.GlowBlock(channels, HIDDEN, split_mode="channel", scale=True)
            for _ in range(STEPS)
        ]
        flows.append([*level, nf.flows.Squeeze()])
        if i > 0:
            merges.append(nf.flows.Merge())
        side = 28 // 2 ** (LEVELS - i)
        count = channels if i == 0 else channels // 2
        bases.append(nf.distributions.DiagGaussian((count, side, side), trainable=False))
    model = nf.MultiscaleFlow(bases, flows, merges, class_cond=False)
    return model, 64, model.forward_kld


def vae():
    """Dense layers, one sample of the latents, binary cross entropy."""
    encoder = nn.Sequential(
        nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 2 * LATENTS)
    )
    decoder = nn.Sequential(
        nn.Linear(LATENTS, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 784)
    )

    def loss(x):
        x = torch.bernoulli(x.flatten(1))
        mean, log_scale = encoder(2 * x - 1).chunk(2, dim=1)
        z = mean + log_scale.exp() * torch.randn_like(mean)
        fit = nn.functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="none")
        divergence = 0.5 * (mean**2 + (2 * log_scale).exp() - 1) - log_scale
        return fit.sum(1).mean() + divergence.sum(1).mean()

    return nn.ModuleList([encoder, decoder]), 128, loss


def main(case):
    """Follows `contest.take_turns`."""
    torch.manual_seed(0)
    model, batch, loss = {"Glow": glow, "VAE": vae}[case]()
    images = torch.rand(5000, 1, 28, 28)
    loss(images[:batch])  # so that ActNorms are initialized before the optimizer is made
    optimizer = torch.optim.Adam(model.parameters())
    print(f"weights {sum(p.numel() for p in model.parameters())}", file=sys.stderr)

    def work(count):
        for _ in range(count):
            value = loss(images[torch.randint(len(images), (batch,))])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        return value.item()

    contest.take_turns(work, 5)


if __name__ == "__main__":
    main(sys.argv[1])
