"""Pictures of densities, samples, layers, images and training runs.

Every function takes arrays or distributions and returns Axes, the bytes of a picture, or the
array that is to be drawn. What has an area stands on a deep-ink canvas, curves are transparent
with grey text: both read on a white and on a near-black page. Nothing here changes matplotlib's
settings.
"""

from normflows_tut.viz.curves import kl_trace, loss
from normflows_tut.viz.density import density, density_beside_truth, density_grid, samples
from normflows_tut.viz.gif import figure_frame, frames_to_gif, show_gif
from normflows_tut.viz.grids import warped_grid, warped_grid_gif
from normflows_tut.viz.images import arc, image_gif, image_grid, image_png, tile_images
from normflows_tut.viz.layers import (
    density_gif,
    layer_gif,
    layer_points,
    layer_strip,
    png_frames,
    quadrant_colors,
)
from normflows_tut.viz.theme import (
    BLUE,
    CHALK,
    EMBER,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    style,
)

__all__ = [
    "BLUE",
    "CHALK",
    "EMBER",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "YELLOW",
    "arc",
    "density",
    "density_beside_truth",
    "density_gif",
    "density_grid",
    "figure_frame",
    "frames_to_gif",
    "image_gif",
    "image_grid",
    "image_png",
    "kl_trace",
    "layer_gif",
    "layer_points",
    "layer_strip",
    "loss",
    "png_frames",
    "quadrant_colors",
    "samples",
    "show_gif",
    "style",
    "tile_images",
    "warped_grid",
    "warped_grid_gif",
]
