"""The twelve two-dimensional targets by a neural spline flow; see targets_2d.py."""

import targets_2d

if __name__ == "__main__":
    targets_2d.main("targets_2d_spline")
