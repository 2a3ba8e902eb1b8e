"""Takes the pictures of Noto Color Emoji out of the font, scaled to 32 x 32 pixels on white.

    python data/make_emoji.py NotoColorEmoji.ttf

The font is that of Debian's package fonts-noto-color-emoji. Only characters are taken, no
sequences of them: these are flags, and variants of skin, hair and company, so that a picture of
the test set would have twins in training.
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
    pictures = {}
    for name in font.getBestCmap().values():
        if name not in strike:
            continue
        picture = Image.open(io.BytesIO(strike[name].imageData)).convert("RGBA")
        side = max(picture.size)
        paper = Image.new("RGBA", (side, side), "white")
        paper.alpha_composite(picture, tuple((side - s) // 2 for s in picture.size))
        small = np.asarray(paper.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))
        pictures[small.tobytes()] = small  # some are drawn twice
    images = np.stack(list(pictures.values()))
    np.savez_compressed(PATH, images=images)
    print(f"{PATH}: {len(images)} pictures, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
