"""The picture by a neural spline flow; see picture.py."""

import picture

if __name__ == "__main__":
    picture.main("picture_spline")
