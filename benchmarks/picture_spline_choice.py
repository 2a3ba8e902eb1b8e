"""How the setting of picture_spline.py was chosen: on another picture, after equally many steps.

The other picture is the word 'data' in a serif typeface. Each row changes one thing; that of the
autoregressive flow has fewer layers, since each of them changes both coordinates.
"""

import pathlib

import matplotlib as mpl
import numpy as np
from machine import write_result
from PIL import Image, ImageDraw, ImageFont

from normflows_tut import evaluation, flows, targets, training

STEPS, BATCH, SEED, TEST_POINTS = 4000, 512, 0, 100_000
BASE = {"num_layers": 4, "num_bins": 24, "hidden_units": (64, 64), "bound": 2.5}
CHANGES = (
    {},
    {"bound": 5.0},
    {"bound": 3.5},
    {"bound": 2.0},
    {"num_bins": 16},
    {"num_bins": 32},
    {"num_layers": 6},
    {"hidden_units": (128, 128)},
    {"activation": "silu"},
    {"peak_rate": 6e-3},
    {"autoregressive": True, "num_layers": 2},
)


def another_picture():
    """Returns the luminance of the word 'data', 144 x 320 pixels."""
    font = pathlib.Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif-Bold.ttf"
    page = Image.new("L", (320, 144), 255)
    draw = ImageDraw.Draw(page)
    draw.text((160, 72), "data", font=ImageFont.truetype(font, 120), fill=0, anchor="mm")
    return np.asarray(page) / 255.0


def row_of(target, change):
    """Returns what one setting reaches."""
    setting = {**BASE, "peak_rate": 3e-3, **change}
    rate = training.cosine_decay(setting.pop("peak_rate"), STEPS, warmup=200)
    flow = flows.neural_spline(2, seed=SEED, **setting)
    history = training.fit(
        flow,
        target,
        num_steps=STEPS,
        batch_size=BATCH,
        learning_rate=rate,
        clip_norm=1.0,
        seed=SEED,
        progress=False,
    )
    kl = evaluation.forward_kl(target, flow, num_samples=TEST_POINTS, seed=10_000)
    return {
        "change": change,
        "kl": round(float(kl.value), 4),
        "standard_error": round(float(kl.standard_error), 4),
        "ms_per_step": round(1e3 * (history.seconds - history.compile_seconds) / STEPS, 2),
    }


def main():
    """Measures, prints and writes results/picture_spline_choice.json."""
    target, rows = targets.from_image(another_picture()), []
    for change in CHANGES:
        rows.append(row_of(target, change))
        print(rows[-1], flush=True)
        content = {
            "what": f"KL in nats of spline flows to another picture after {STEPS} steps",
            "setting": {**BASE, "peak_rate": 3e-3, "batch_size": BATCH},
            "test_points": TEST_POINTS,
            "rows": rows,
        }
        command = "make bench BENCH=picture_spline_choice"
        path = write_result("picture_spline_choice", command, content)
    print(f"Written to {path}.")


if __name__ == "__main__":
    main()
