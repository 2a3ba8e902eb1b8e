"""Draw the animation of the landing page: a cloud that becomes a word, layer by layer.

    python scripts/landing_picture.py

The flow is the one whose weights benchmarks/picture_spline.py keeps in data/. Writes
book/_static/word.gif and prints the divergence that index.md names.
"""

from pathlib import Path

from normflows_tut import datasets, evaluation, flows, targets, viz

ROOT = Path(__file__).resolve().parent.parent


def main():
    """Loads a spline flow trained on the picture of a word and writes the animation."""
    word = targets.from_image(datasets.data_path("word.png"))
    flow = flows.neural_spline(2, num_layers=4, num_bins=24, hidden_units=(64, 64), bound=2.5)
    flows.load(flow, datasets.data_path("picture_spline.npz"))
    print(f"KL {evaluation.forward_kl(word, flow, num_samples=100_000, seed=10_001)} nats")
    gif = viz.layer_gif(flow, num_points=9_000, pixels=640, bounds=((-4.6, 4.6), (-2.4, 2.4)))
    path = ROOT / "book" / "_static" / "word.gif"
    path.write_bytes(gif)
    print(f"{path}: {len(gif):,} bytes")


if __name__ == "__main__":
    main()
