"""What the speed benchmark trains: one flow a case, in the words of no library.

Plain Python: every worker reads it, each in the environment of its own library.
"""

import sys
import time

BATCH, RATE, POINTS, BINS, BOUND = 512, 1e-3, 100_000, 8, 5.0

# name -> kind, dimensions, layers, units of each of the two hidden layers
CASES = {
    "RealNVP, 6-D": ("real_nvp", 6, 8, 64),
    "MAF, 6-D": ("maf", 6, 5, 64),
    "spline coupling, 6-D": ("spline", 6, 4, 64),
    "RealNVP, 63-D": ("real_nvp", 63, 10, 256),
    "MAF, 63-D": ("maf", 63, 5, 256),
    "spline coupling, 63-D": ("spline", 63, 5, 256),
}


def serve(train):
    """Lets `train(num_steps)` run as often as standard input asks for; prints the seconds."""
    train(50)  # compiles
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        loss = train(int(line))
        print(time.perf_counter() - start, loss, flush=True)
