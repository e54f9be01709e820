"""Pictures at another size, row by row: each row is what resizing the whole picture gives."""

import math

import numpy as np
from PIL import Image

from resnet_in_tf.pictures.bands import BAND

SUPPORT = {Image.BILINEAR: 1, Image.BICUBIC: 2, Image.LANCZOS: 3}  # pixels on either side that a filter sees


class Pixels:
    """Rows of a picture that is in memory.

    Args:
        pixels: uint8 [H, W, 3].
    """

    def __init__(self, pixels):
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def read(self, start, stop):
        """Rows of the picture: uint8 [stop - start, W, 3]."""
        return self.pixels[start:stop]


class Resized:
    """Rows of a picture at another size, antialiased.

    Args:
        source: Pixels or its like.
        width, height: int, at least 1.
        filter: a key of SUPPORT.
    """

    def __init__(self, source, width, height, filter=Image.LANCZOS):
        self.source, self.width, self.height, self.filter = source, width, height, filter

    def read(self, start, stop):
        """Rows at the new size: uint8 [stop - start, width, 3]."""
        step = max(1, int(8 * BAND * self.height / self.source.height))  # so that few source rows are held
        return np.concatenate([self.block(first, min(first + step, stop))
                               for first in range(start, stop, step)])

    def block(self, start, stop):
        first, last = rows_seen(self, self.source.height, start, stop, self.filter)
        return of_block(self.source.read(first, last), first, self.source.height, self, start, stop,
                        self.filter)


def rows_seen(target, height, start, stop, filter=Image.LANCZOS):
    """The rows of a picture that rows of its resized copy are made of: (first, last).

    Args:
        target: what has the height of the copy.
        height: int, of the picture.
        start, stop: int, rows of the copy.
        filter: a key of SUPPORT.
    """
    scale = height / target.height
    reach = SUPPORT[filter] * max(scale, 1) + 1
    return (max(0, math.floor(start * scale - reach)), min(height, math.ceil(stop * scale + reach)))


def resize(image, width, height, filter=Image.LANCZOS, rows=None):
    """Resizes a Pillow image across, then down, whatever its size.

    Pillow 13 begins with what is cheaper, and rounds in between: a part of a picture would not be what is in
    the whole.

    Args:
        image: Image.Image.
        width, height: int, at least 1.
        filter: a key of SUPPORT.
        rows: (first, last), floats, which of the image's; None for all of them.
    """
    first, last = rows or (0, image.height)
    across = image.resize((width, image.height), filter)
    return across.resize((width, height), filter, (0, first, width, last))


def of_block(block, first, height, target, start, stop, filter):
    """Rows of a resized copy, from the rows of a picture that they are made of.

    Args:
        block: uint8 [h, W, 3], or float32 [h, W] or [h, W, C], rows of the picture from `first` on.
        first, height: int, and how many rows the whole picture has.
        target: what has the width and the height of the copy.
        start, stop: int, rows of the copy.
        filter: a key of SUPPORT.

    Returns:
        uint8 [stop - start, width, 3], or float32 likewise.
    """
    scale = height / target.height
    rows = max(0, start * scale - first), min(len(block), stop * scale - first)

    def resized(plane):
        image = Image.fromarray(np.ascontiguousarray(plane))
        return np.asarray(resize(image, target.width, stop - start, filter, rows))

    if block.dtype == np.uint8 or block.ndim == 2:
        return resized(block)
    return np.dstack([resized(block[..., channel]) for channel in range(block.shape[-1])])
