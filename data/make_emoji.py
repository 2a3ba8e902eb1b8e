"""Takes the pictures of Noto Color Emoji out of the font, scaled to 32 x 32 pixels on white.

    python data/make_emoji.py NotoColorEmoji.ttf

The font is Debian's package fonts-noto-color-emoji. Of the pictures that differ in the colour of
skin or hair alone one is kept, so that no picture of the test set has a twin in training.
"""

import io
import sys
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image

PATH = Path(__file__).with_name("emoji.npz")
SIDE = 32


def main(font_path):
    """Writes emoji.npz."""
    font = TTFont(font_path)
    strike = font["CBDT"].strikeData[0]
    pictures = []
    for name in sorted(strike):
        picture = Image.open(io.BytesIO(strike[name].imageData)).convert("RGBA")
        side = max(picture.size)
        paper = Image.new("RGBA", (side, side), "white")
        paper.alpha_composite(picture, tuple((side - s) // 2 for s in picture.size))
        small = paper.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        pictures.append((name, np.asarray(small)))
    print(len(pictures), [name for name, _ in pictures[:40]])
    np.savez_compressed(
        "/tmp/emoji_all.npz",
        images=np.stack([p for _, p in pictures]),
        names=[n for n, _ in pictures],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
