"""Brush size: a photo is painted at another size, so that strokes come out larger or finer."""

import collections
import math

from resnet_in_tf.errors import UserError
from resnet_in_tf.numerals import whole

SMALLEST, LARGEST = 0.5, 2.0  # strokes, as a multiple of what they are
SIDES = (64, 8192)  # pixels of the long side that 'fixed:' may name
FIXED = 'fixed:'

Brush = collections.namedtuple('Brush', 'factor side')
Brush.__doc__ = """How large strokes are.

Fields:
    factor: float, as a multiple of what they are at the photo's own size; None where `side` tells.
    side: int, pixels: as they are on a photo with such a long side, whatever that of the photo; None where
        `factor` tells.
"""


def parse(text, flag='--brush'):
    """Reads '1.5', 1.5 or 'fixed:512'.

    Args:
        text: str or number; None for strokes as they are.
        flag: str that begins a message.

    Returns:
        Brush, or None for strokes as they are.

    Raises:
        UserError: it is neither, or out of range.
    """
    if text is None:
        return None
    text = str(text).strip()
    if text.startswith(FIXED):
        side = whole(text[len(FIXED):], SIDES[1])
        if side is not None and side >= SIDES[0]:
            return Brush(None, side)
        raise UserError('%s %s: the long side of the photo that strokes are made for is a whole number of '
                        'pixels from %d to %d, as in fixed:512' % (flag, text[:40], SIDES[0], SIDES[1]))
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not SMALLEST <= factor <= LARGEST:
        raise UserError('%s %s: is a number from %g, fine strokes, to %g, broad ones, or fixed:512 for '
                        'strokes as on a photo of 512 pixels' % (flag, text[:40], SMALLEST, LARGEST))
    return None if factor == 1 else Brush(factor, None)


def working_size(brush, width, height):
    """The size at which a photo is painted: (width, height).

    Args:
        brush: Brush, or None.
        width, height: int, of the photo.
    """
    if brush is None:
        return width, height
    scale = 1 / brush.factor if brush.side is None else brush.side / max(width, height)
    return tuple(max(1, int(round(edge * scale))) for edge in (width, height))
