"""Images a second while the flow of mnist.py trains on a processor, without XLA and with it."""

import statistics

from machine import write_result
from mnist_choice import TRAINING, build, chosen

from normflows_tut import datasets, training

STEPS, TURNS = {"without XLA": 100, "with XLA": 10}, 3
COMMAND = "make bench BENCH=image_speed"


def images_per_second(how):
    """Returns the speed of a new flow once its steps are traced or compiled."""
    setting, _ = chosen("mnist")
    history = training.fit(
        build("mnist", **setting),
        datasets.images("mnist", "train"),
        num_steps=STEPS[how],
        batch_size=TRAINING["batch_size"],
        jit_compile=how == "with XLA",
        progress=False,
    )
    return STEPS[how] * TRAINING["batch_size"] / (history.seconds - history.compile_seconds)


def main():
    """Measures, prints and writes results/image_speed.json."""
    turns = [{how: images_per_second(how) for how in STEPS} for _ in range(TURNS)]
    medians = {how: statistics.median(turn[how] for turn in turns) for how in STEPS}
    for how, speed in medians.items():
        print(f"{how:12} {speed:7.1f} images a second", flush=True)
    content = {
        "what": "Images a second while the flow of mnist.py trains, batch "
        f"{TRAINING['batch_size']}, tracing and compiling not counted",
        "turns": f"{TURNS} turns, interleaved; medians",
        "images_per_second": {how: round(speed, 1) for how, speed in medians.items()},
    }
    print(f"Written to {write_result('image_speed', COMMAND, content)}.")


if __name__ == "__main__":
    main()
