"""OKLab (Ottosson 2020): a space in which equal steps look about equal, and lightness stands alone."""

import numpy as np

# Linear sRGB to cone responses, and their cube roots to lightness, green-red and blue-yellow.
TO_CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                     [0.0883024619, 0.2817188376, 0.6299787005]])
TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                   [0.0259040371, 0.7827717662, -0.8086757660]])
FROM_CONES, FROM_LAB = np.linalg.inv(TO_CONES), np.linalg.inv(TO_LAB)
KNEE = 0.04045  # below it sRGB is a straight line


def from_rgb(pixels):
    """OKLab of a picture: lightness in [0, 1], the other two about in [-0.4, 0.4].

    Args:
        pixels: uint8 or float [..., 3], RGB in [0, 255].

    Returns:
        float32 [..., 3].
    """
    linear = LINEAR[pixels] if pixels.dtype == np.uint8 else to_linear(np.asarray(pixels, np.float32) / 255)
    return np.cbrt(linear @ TO_CONES.T.astype(np.float32)) @ TO_LAB.T.astype(np.float32)


def to_rgb(lab):
    """The way back: float32 [..., 3], RGB in [0, 255]; what no screen can show is clipped."""
    cones = np.asarray(lab, np.float32) @ FROM_LAB.T.astype(np.float32)
    linear = np.clip((cones * cones * cones) @ FROM_CONES.T.astype(np.float32), 0, 1)
    low = linear <= KNEE / 12.92
    return 255 * np.where(low, linear * 12.92, 1.055 * np.power(linear, 1 / 2.4, dtype=np.float32) - 0.055)


def to_linear(values):
    """sRGB in [0, 1] to amounts of light."""
    return np.where(values <= KNEE, values / 12.92, ((np.maximum(values, KNEE) + 0.055) / 1.055) ** 2.4)


LINEAR = to_linear(np.arange(256) / 255).astype(np.float32)
