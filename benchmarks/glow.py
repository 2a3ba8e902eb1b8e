"""The digits of the chapter on Glow; see mnist.py."""

import mnist

if __name__ == "__main__":
    mnist.run("glow")
