"""How the setting of glow.py was chosen; see mnist_choice.py."""

import sys

import mnist_choice

if __name__ == "__main__":
    mnist_choice.main("glow", *sys.argv[1:])
