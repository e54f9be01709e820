"""What a picture painted small lost of its photo, given back where it is enlarged: guided upsampling.

The fast guided filter (He and Sun 2015) fits, in every window of the small picture, a line from the photo's
lightness to each painted channel. Here the line's slope alone is used: it tells how much of the photo's fine
detail, what its small copy had not, belongs on top of the enlarged painting. So strokes stay as they were
painted, edges that they share with the photo become as sharp as the photo, and where the painting leaves the
photo, nothing comes through. No pixel leaves the range of the painted pixels around it: no halo.
"""

import collections

import numpy as np
from PIL import Image

from resnet_in_tf.pictures.color import TO_YUV
from resnet_in_tf.pictures.resized import of_block, rows_seen

LUMA = TO_YUV[0]
RADIUS = 4  # pixels of the small picture: with 2, a whisker on plain fur is lost
NOISE = 100.0  # variance of lightness, of 255 squared: what varies less than 10 is grain and stays out
REACH = 2 * RADIUS  # rows beyond its own that a slope depends on

Size = collections.namedtuple('Size', 'width height')


def enlarged(photo, small, painted, start, stop, height):
    """Rows of a painting at the size of its photo.

    Args:
        photo: uint8 [stop - start, W, 3], rows of the photo.
        small, painted: row sources of one size: the photo's smaller copy, and what was painted of it.
        start, stop: int, which rows.
        height: int, of the photo.

    Returns:
        float32 [stop - start, W, 3] in [0, 255].
    """
    target = Size(photo.shape[1], height)
    first, last = rows_seen(target, small.height, start, stop, Image.BICUBIC)
    low, high = max(0, first - REACH), min(small.height, last + REACH)
    paint, light = painted.read(low, high), small.read(low, high) @ LUMA
    inside = slice(first - low, last - low)

    def grown(block, filter=Image.BILINEAR):
        return of_block(block[inside], first, small.height, target, start, stop, filter)

    detail = photo @ LUMA - grown(light, Image.BICUBIC)  # [h, W]
    result = grown(slopes(light, paint)) * detail[..., None] + grown(paint, Image.BICUBIC)
    least, most = [grown(extreme(paint, which)) for which in (np.minimum, np.maximum)]
    return np.minimum(np.maximum(result, least), most)


def slopes(light, paint):
    """How much each painted channel changes with the photo's lightness, around each pixel.

    Args:
        light: float32 [h, w].
        paint: uint8 [h, w, 3].

    Returns:
        float32 [h, w, 3].
    """
    light = light[..., None]
    paint = np.asarray(paint, np.float32)
    mean = around(light)
    variance = around(light * light) - mean * mean
    covariance = around(light * paint) - mean * around(paint)
    return around(covariance / (variance + NOISE))


def around(x):
    """Mean over the window of each pixel, edges going on outside: float32 of the shape of `x`, [h, w, C]."""
    side = 2 * RADIUS + 1
    for axis in (0, 1):
        sums = np.cumsum(padded(x, RADIUS + 1, RADIUS, axis), axis, np.float64)
        after, before = [part(sums, axis, start, x.shape[axis]) for start in (side, 0)]
        x = ((after - before) / side).astype(np.float32)
    return x


def extreme(x, which):
    """np.minimum or np.maximum of each pixel and its eight neighbours: of the shape of `x`, [h, w, C]."""
    for axis in (0, 1):
        wide = padded(x, 1, 1, axis)
        x = which(which(x, part(wide, axis, 0, x.shape[axis])), part(wide, axis, 2, x.shape[axis]))
    return x


def padded(x, before, after, axis):
    """An array with its first and last values repeated along an axis."""
    widths = [(before, after) if place == axis else (0, 0) for place in range(x.ndim)]
    return np.pad(x, widths, 'edge')


def part(x, axis, start, length):
    """So many values of an array along an axis."""
    return x[(slice(None),) * axis + (slice(start, start + length),)]
