"""Where a film is cut: frames so unlike that the second cannot go on from the first."""

import numpy as np
from PIL import Image

SIDE = 32  # pixels of the copies that are compared
LEVELS = 8  # of each colour in a histogram
DIFFERENT = 25.0  # mean difference of the copies, of 255
SHARED = 0.88  # of the histograms; two photos share 0.59 in the median, 0.83 at most of 59 pairs


def is_cut(before, after):
    """Whether another shot begins.

    Both the places of things and the colours must have changed: a fast pan keeps its colours, a flash its
    places in part.

    Args:
        before, after: uint8 [H, W, 3], frames that follow each other.
    """
    copies = [small(frame) for frame in (before, after)]
    return (np.mean(np.abs(copies[0] - copies[1])) > DIFFERENT
            and np.minimum(*map(histogram, copies)).sum() < SHARED)


def small(frame):
    """A copy of a frame: float32 [SIDE, SIDE, 3]."""
    image = Image.fromarray(np.ascontiguousarray(frame))
    return np.asarray(image.resize((SIDE, SIDE), Image.BOX), np.float32)


def histogram(pixels):
    """Shares of colours: float [3, LEVELS] that sums to one; a small change of many moves little."""
    places = pixels.reshape(-1, 3, 1) * ((LEVELS - 1) / 255.0)  # [n, 3, 1]
    return np.maximum(0.0, 1.0 - np.abs(places - np.arange(LEVELS))).mean(0) / 3.0
