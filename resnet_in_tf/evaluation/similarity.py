"""Structural similarity (Wang et al. 2004) of the lightness of two pictures: is the photo still readable?"""

import numpy as np
from scipy import ndimage

LUMINANCE = (0.299, 0.587, 0.114)  # of R, G, B (ITU-R BT.601)
# The paper's window, 11 pixels wide, and its constants (formulas 13 to 16) for values of 0 to 255.
DEVIATION, RADIUS = 1.5, 5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def luminance(picture):
    """The lightness of uint8 or float [H, W, 3] in [0, 255]: float64 [H, W]."""
    return np.asarray(picture, np.float64) @ LUMINANCE


def blurred(values):
    """Weighted means in the window about each pixel: float64 [H, W]."""
    return ndimage.gaussian_filter(values, DEVIATION, truncate=RADIUS / DEVIATION)


def ssim(photo, picture):
    """The mean structural similarity of two pictures' luminance.

    Args:
        photo, picture: uint8 or float [H, W, 3] in [0, 255], of one size.

    Returns:
        float, 1 for equal pictures, about 0 for unrelated ones. Windows that reach over the border
        are left out where the picture is larger than one.
    """
    x, y = luminance(photo), luminance(picture)
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x ** 2, blurred(y * y) - mean_y ** 2
    covariance = blurred(x * y) - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + C1) * (2 * covariance + C2)
                  / ((mean_x ** 2 + mean_y ** 2 + C1) * (variance_x + variance_y + C2)))
    if min(similarity.shape) > 2 * RADIUS:
        similarity = similarity[RADIUS:-RADIUS, RADIUS:-RADIUS]
    return float(similarity.mean())
