"""Draw the animation of the landing page: a cloud that becomes a word, layer by layer.

    python scripts/landing_picture.py

Trains for about two minutes and writes book/_static/word.gif.
"""

from pathlib import Path

from normflows_tut import datasets, flows, targets, training, viz

ROOT = Path(__file__).resolve().parent.parent


def main():
    """Trains RealNVP on the picture of a word and writes the animation."""
    word = targets.from_image(datasets.data_path("word.png"))
    flow = flows.real_nvp(2, num_layers=12, activation="silu", seed=0)
    rate = training.cosine_decay(3e-3, 30_000)
    training.fit(flow, word, num_steps=30_000, learning_rate=rate)
    gif = viz.layer_gif(flow, num_points=9_000, pixels=640, bounds=((-4.6, 4.6), (-2.4, 2.4)))
    path = ROOT / "book" / "_static" / "word.gif"
    path.write_bytes(gif)
    print(f"{path}: {len(gif):,} bytes")


if __name__ == "__main__":
    main()
