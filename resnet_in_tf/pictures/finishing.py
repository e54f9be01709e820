"""What is done to a photo before the network and to the painting after it: brush size and colours."""

import collections

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import brush as brushes
from resnet_in_tf.pictures import color, detail, images
from resnet_in_tf.pictures.bands import bands
from resnet_in_tf.pictures.resized import Pixels, Resized

Finish = collections.namedtuple('Finish', 'keep_color brush match')
Finish.__doc__ = """What makes a result of a painting.

Fields:
    keep_color: bool, whether the photo's colours are kept.
    brush: brush.Brush, or None.
    match: Match, or None.
"""
Finish.__new__.__defaults__ = (False, None, None)
PLAIN = Finish(False, None, None)

PHOTO, PAINTING = 'photo', 'painting'
MOST = 2.0  # amount

Match = collections.namedtuple('Match', 'colors amount')
Match.__doc__ = """Colours that those of a result are moved to.

Fields:
    colors: color.Colors, or None for the photo's own.
    amount: float, as in color.color_map.
"""


def parse_match(text, flag='--match_color'):
    """Reads 'photo', 'painting' or 'photo:0.5': (str, float), the amount being 1 where there is none.

    Raises:
        UserError: it is neither, or the amount is out of range.
    """
    target, colon, amount = str(text).strip().partition(':')
    try:
        value = float(amount) if colon else 1.0
    except ValueError:
        value = -1.0
    if target not in (PHOTO, PAINTING) or not 0 <= value <= MOST:
        raise UserError('%s %s: is photo or painting, the palette that colours are moved to, with an amount '
                        'from 0 to %g or without, as in photo:0.5' % (flag, str(text)[:40], MOST))
    return target, value


def goes_by_pixel(finish):
    """Whether a Finish needs of a picture no more than each pixel: no brush size, no matched palette."""
    return finish.brush is None and finish.match is None


def before(photo, brush):
    """A photo as it is painted: uint8 [h, w, 3] of [H, W, 3]."""
    height, width = photo.shape[:2]
    size = brushes.working_size(brush, width, height)
    return photo if size == (width, height) else images.resize(photo, *size)


def after(photo, painted, finish):
    """The result of a photo.

    Args:
        photo: uint8 [H, W, 3].
        painted: uint8 or float [h, w, 3] in [0, 255], what the network made of `before`.
        finish: Finish.

    Returns:
        uint8 or float [H, W, 3] in [0, 255].
    """
    if goes_by_pixel(finish):
        return color.preserve_color(photo, painted) if finish.keep_color else painted
    small, result = Pixels(before(photo, finish.brush)), np.empty(photo.shape, np.uint8)
    for rows, block in finished(Pixels(photo), small, Pixels(images.bytes_of(painted)), finish):
        result[rows] = block
    return result


def finished(source, small, painted, finish):
    """The result of a photo, row by row.

    Args:
        source: resized.Pixels or its like, the photo.
        small: the same as it was painted.
        painted: what the network made of it.
        finish: Finish.

    Yields:
        (slice, uint8 [h, W, 3]), from the top to the bottom.
    """
    move = finish.match and color_map(small, painted, finish.match)
    same = (painted.width, painted.height) == (source.width, source.height)
    grow = painted.height <= source.height and painted.width <= source.width
    shrunk = Resized(painted, source.width, source.height)
    for rows in bands(source.height):
        start, stop = rows.start, min(rows.stop, source.height)
        photo = source.read(start, stop) if finish.keep_color or grow and not same else None
        if same:
            block = painted.read(start, stop)
        elif grow:
            block = detail.enlarged(photo, small, painted, start, stop, source.height)
        else:
            block = shrunk.read(start, stop)
        if move:
            block = color.match_color(block, *move)
        if finish.keep_color:
            block = color.preserve_color(photo, block)
        yield slice(start, stop), images.bytes_of(block)


def color_map(small, painted, match):
    """The map that moves the colours of a painting; arguments as in `finished`, result as color.color_map."""
    def blocks(source):
        return (source.read(rows.start, min(rows.stop, source.height)) for rows in bands(source.height))

    wanted = match.colors or color.colors_of(blocks(small))
    return color.color_map(color.colors_of(blocks(painted)), wanted, match.amount)
