"""Trains our Glow, or our variational autoencoder; see image_steps.py."""

import sys

import contest
import numpy as np

from normflows_tut import flows, training
from normflows_tut.networks import Decoder, Encoder

SHAPE, LATENTS = (28, 28, 1), 40
STEPS_PER_CALL = 10


def glow(images):
    """Affine couplings; with 47 channels in its networks it has the weights of the other."""
    flow = flows.glow(SHAPE, 2, num_steps=4, hidden_channels=47, num_blocks=0)
    print(
        f"weights {sum(int(np.prod(v.shape)) for v in flow.trainable_variables)}", file=sys.stderr
    )
    flow = flows.append(flow)
    # On a CPU, convolutions inside a loop that XLA compiles take twenty times as long.
    how = {"batch_size": 64, "steps_per_call": STEPS_PER_CALL, "jit_compile": False}
    return lambda count: training.fit(flow, images, num_steps=count, **how, progress=False)


def vae(images):
    """The posterior of the first hidden layer on is the `ConditionalFlow`'s network."""
    posterior = flows.conditional_normal(LATENTS, 300, ())
    model = flows.VAE(Encoder(SHAPE, 300, (300,)), Decoder(LATENTS, SHAPE, (300, 300)), posterior)
    how = {"batch_size": 128, "steps_per_call": STEPS_PER_CALL}
    binary = (images * 255).astype(np.uint8)
    return lambda count: training.fit_elbo(model, binary, num_steps=count, **how, progress=False)


def main(case):
    """Follows `contest.take_turns`."""
    images = np.random.default_rng(0).random([5000, *SHAPE], np.float32)
    contest.take_turns({"Glow": glow, "VAE": vae}[case](images), STEPS_PER_CALL)


if __name__ == "__main__":
    main(sys.argv[1])
