"""Milliseconds a training step of Glow and of a variational autoencoder, against PyTorch.

Glow stands beside that of normflows, built as in its documentation's example, with affine
couplings and as many weights; the autoencoder beside a plain one of PyTorch with the same layers.
Each is a process of its own that has compiled before the clock starts; they take turns.
"""

import sys

from contestants import HERE, Worker, interleaved, peer_versions
from machine import write_result

TURNS, SECONDS = 9, 3.0
CASES = ("Glow", "VAE")


def main(torch_python):
    """Measures, prints and writes results/image_steps.json."""
    scripts = {
        "normflows_tut": [sys.executable, str(HERE / "images_normflows_tut.py")],
        "PyTorch": [torch_python, str(HERE / "images_torch.py")],
    }
    found = {}
    for case in CASES:
        workers = {name: Worker([*script, case]) for name, script in scripts.items()}
        counts = {
            name: max(1, round(SECONDS / (worker.seconds(10) / 10)))
            for name, worker in workers.items()
        }
        seconds = interleaved(
            workers, TURNS, lambda name, worker, n=counts: worker.seconds(n[name]) / n[name]
        )
        found[case] = {name: round(1e3 * value, 2) for name, value in seconds.items()}
        print(case, found[case], flush=True)
    content = {
        "what": "Milliseconds a training step on images of 28 x 28: Glow of two levels with four "
        "steps each, batch 64, normflows' with 64 channels in its networks, ours with as many "
        "weights; VAE of 784-300-300-40-300-300-784 with a diagonal normal posterior, batch 128",
        "peers": peer_versions(),
        "turns": f"{TURNS} turns of about {SECONDS} s, interleaved; medians",
        "milliseconds_per_step": found,
    }
    print(f"Written to {write_result('image_steps', 'make bench BENCH=image_steps', content)}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
