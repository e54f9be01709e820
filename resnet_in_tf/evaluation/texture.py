"""What a network paints where there is nothing to paint: dead patches, checkerboards and stripes.

A picture is looked at in patches of SIDE pixels, less the plane that fits each: a clear sky, lighter
towards the horizon, is a plane.
"""

import numpy as np

from resnet_in_tf.evaluation.similarity import luminance

SIDE = 16
FLAT = 1.5  # deviation in grey values below which a patch shows no texture to the eye
LOWEST = 3  # cycles a patch: patterns repeat every 2 to 5.3 pixels, and those of 4 are wholly inside


def patches(picture):
    """The patches of a picture, each less its plane.

    Args:
        picture: uint8 or float [H, W, 3] in [0, 255]; what is left at the right and at the bottom counts
            nothing.

    Returns:
        float64 [N, SIDE, SIDE], in grey values, row by row; N is 0 for a picture smaller than a patch.
    """
    grey = luminance(picture)
    rows, columns = (side // SIDE for side in grey.shape)
    grey = grey[:rows * SIDE, :columns * SIDE].reshape([rows, SIDE, columns, SIDE])
    grey = grey.transpose([0, 2, 1, 3]).reshape([-1, SIDE, SIDE])  # [N, SIDE, SIDE]
    slope = np.arange(SIDE) - (SIDE - 1) / 2.0
    unit = SIDE * (slope ** 2).sum()
    down = (grey * slope[:, None]).sum((1, 2)) / unit
    right = (grey * slope).sum((1, 2)) / unit
    return (grey - grey.mean((1, 2), keepdims=True) - down[:, None, None] * slope[:, None]
            - right[:, None, None] * slope)


def without_texture(picture):
    """Which patches show none: bool [N]."""
    return patches(picture).std((1, 2)) < FLAT


def textureless_share(picture):
    """The share of a picture's area in patches without texture, 0 to 1; NaN where there is no patch."""
    flat = without_texture(picture)
    return float(flat.mean()) if len(flat) else float('nan')


def pixel_patterns(picture, where=None):
    """The strength of patterns that repeat every few pixels, as checkerboards and stripes do.

    Args:
        picture: uint8 or float [H, W, 3] in [0, 255].
        where: bool [N], the patches that count; None for all.

    Returns:
        float: the root mean square, in grey values, of what has 2 to 5.3 pixels as its period; a
        checkerboard of grey +-A has A. NaN where no patch counts.
    """
    found = patches(picture)
    found = found if where is None else found[where]
    if not len(found):
        return float('nan')
    window = np.hanning(SIDE + 2)[1:-1]
    window = np.outer(window, window)
    power = np.abs(np.fft.fft2(found * window)) ** 2 / (SIDE ** 2 * (window ** 2).sum())  # [N, SIDE, SIDE]
    cycles = np.abs(np.fft.fftfreq(SIDE, 1.0 / SIDE))
    fine = np.maximum(cycles[:, None], cycles) >= LOWEST
    return float(np.sqrt(power[:, fine].sum(1).mean()))
