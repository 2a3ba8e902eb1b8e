"""Draws data/word.png, the word that the book learns as a density.

Run it from anywhere: `python data/make_word_picture.py`. The same versions of Pillow and
matplotlib (which brings the font) draw the same picture.
"""

from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WORD = "flow"
SIZE = (320, 144)  # pixels
MARGIN = 8  # pixels, on the tighter sides
OVERSAMPLING = 8  # drawn this much larger and averaged down
SOFTNESS = 1.0  # standard deviation of the final blur, pixels


def draw_word():
    """Returns the picture, mode 'L', black on white."""
    font_file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf")
    width, height = (side * OVERSAMPLING for side in SIZE)
    room = (width - 2 * MARGIN * OVERSAMPLING, height - 2 * MARGIN * OVERSAMPLING)

    # Letter by letter: another layout engine would join the f and the l into a ligature.
    def font_of(size):
        return ImageFont.truetype(font_file, size, layout_engine=ImageFont.Layout.BASIC)

    # Every size scales alike: measure at one, then fill the room.
    left, top, right, bottom = font_of(1000).getbbox(WORD)
    font = font_of(int(1000 * min(room[0] / (right - left), room[1] / (bottom - top))))

    left, top, right, bottom = font.getbbox(WORD)
    corner = ((width - left - right) / 2, (height - top - bottom) / 2)
    picture = Image.new("L", (width, height), 255)
    ImageDraw.Draw(picture).text(corner, WORD, fill=0, font=font)
    return picture.reduce(OVERSAMPLING).filter(ImageFilter.GaussianBlur(SOFTNESS))


if __name__ == "__main__":
    path = Path(__file__).with_name("word.png")
    draw_word().save(path, optimize=True)
    print(path)
