"""Draw the animation of the landing page: a cloud that becomes a word, layer by layer.

    python scripts/landing_picture.py

The flow and its training are those of benchmarks/picture.py, for as many steps as its best run
made in a minute. Writes book/_static/word.gif and prints the divergence that index.md names.
"""

from pathlib import Path

from normflows_tut import datasets, evaluation, flows, targets, training, viz

ROOT = Path(__file__).resolve().parent.parent
NUM_STEPS = 15_500


def main():
    """Trains RealNVP on the picture of a word and writes the animation."""
    word = targets.from_image(datasets.data_path("word.png"))
    flow = flows.real_nvp(2, num_layers=16, activation="silu", log_scale_bound=2.0, seed=1)
    rate = training.cosine_decay(3e-3, NUM_STEPS, warmup=200)
    training.fit(flow, word, num_steps=NUM_STEPS, learning_rate=rate, seed=1, clip_norm=1.0)
    print(f"KL {evaluation.forward_kl(word, flow, num_samples=100_000, seed=10_001)} nats")
    gif = viz.layer_gif(flow, num_points=9_000, pixels=640, bounds=((-4.6, 4.6), (-2.4, 2.4)))
    path = ROOT / "book" / "_static" / "word.gif"
    path.write_bytes(gif)
    print(f"{path}: {len(gif):,} bytes")


if __name__ == "__main__":
    main()
