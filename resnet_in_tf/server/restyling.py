"""One request's work: from the bytes of a photo to the bytes of a restyled one."""

import collections
import io
import math
import os

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.network.regions import BY_REGION
from resnet_in_tf.pictures import finishing, images, sample
from resnet_in_tf.pictures.brush import working_size
from resnet_in_tf.restyling import matching
from resnet_in_tf.server import problems
from resnet_in_tf.tiles.large import SMALLEST_TILE, pixels_in

# Strangers' files: the last Pillow for Python 3.7 has holes in WebP (CVE-2023-4863) and in TIFF.
FORMATS = ('JPEG', 'PNG')
MAX_PHOTO_SIDE = 500000  # pixels of a photo: making it smaller holds 48 bytes for each
STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'static')

# What a photo's pixel holds at most while it is decoded and turned upright, in bytes, and costs, as
# a share of a pixel that goes through the network: measured, 16-bit PNG being the dearest.
DECODE_BYTES = 24
DECODE_COST = 0.02

# What enlarging a painting with its photo's detail costs a pixel, in the same unit: measured.
FINISH_COST = 0.06

STYLE_IMAGES, MASKS = 8, 4  # of a request at the most

SPARE = 4  # uploads held beyond those in the queue
LEAST_PIXELS = 256 ** 2

# max_upload in bytes; max_pixels of a photo; max_result pixels of a result; seconds for a
# request; workers that run and requests that wait at once; held: bytes of uploads and unsent answers
# in memory at once; style_images and masks of a request, 0 where none are taken.
Limits = collections.namedtuple(
    'Limits', 'max_upload max_pixels max_result seconds workers waiting held style_images masks')
Limits.__new__.__defaults__ = (0, 0)  # of the last fields


def held_by_default(max_upload, workers, waiting):
    """Bytes that uploads need at once where memory is not short."""
    return max_upload * (workers + waiting + SPARE)


def within_memory(limits, engine, style_side=0):
    """Limits by which all that the server holds at once fits into memory.

    TensorFlow would end the process. Uploads get a quarter of what is free at most; each worker gets its
    share of the rest, for decoding a picture or running the network, one after the other.

    Args:
        limits: Limits.
        engine: engines.Engine.
        style_side: int, the long side in pixels at which pictures become styles; 0 where they cannot.

    Returns:
        Limits.
    """
    free = max(0, memory.limit_by_default() - memory.resident())
    held = min(limits.held, max(free // 4, 2 * limits.max_upload))
    each = max(0, free - held) // limits.workers
    limits = limits._replace(
        held=held, max_pixels=min(limits.max_pixels, max(each // DECODE_BYTES, LEAST_PIXELS)))
    masks = limits.masks if engine.by_region is not None else 0
    holds = pixels_in(each, engine.width, engine.name + BY_REGION * bool(masks))
    rows = style_side and memory.SLACK + memory.PREDICTOR_BYTES * style_side ** 2 <= each
    return limits._replace(max_result=min(limits.max_result, max(holds, SMALLEST_TILE ** 2)),
                           style_images=limits.style_images if rows else 0,
                           masks=masks)


def fit(width, height, side):
    """The size of a picture whose long side is made `side` pixels; never larger than it was."""
    long_side = max(width, height)
    if side >= long_side:
        return width, height
    return tuple(max(1, (edge * side + long_side // 2) // long_side) for edge in (width, height))


def largest_side(width, height, max_result, brush=None):
    """The longest long side at which a photo's result stays within `max_result` pixels and JPEG's sides.

    Args:
        width, height: int, of the photo.
        max_result: int.
        brush: brush.Brush with a factor, or None: the result stays within as it is painted, too.
    """
    side = min(max(width, height), images.MAX_SIDE['JPEG'])
    most = max_result * min(1, brush.factor if brush else 1) ** 2
    if width * height > most:
        side = min(side, int(max(width, height) * math.sqrt(most / (width * height))))
    while side > 1 and most_pixels(fit(width, height, side), brush) > max_result:
        side -= 1
    return side


def most_pixels(size, brush):
    """Pixels of a result, or of what is painted for it, whichever is more."""
    return max(_pixels(size), _pixels(working_size(brush, *size)))


def result_size(photo, size, limits, brush=None):
    """Reads a photo's header and says how large its result becomes; decodes nothing.

    Args:
        photo: bytes of a file.
        size: int, the long side that is asked for, or None.
        limits: Limits.
        brush: brush.Brush, or None.

    Returns:
        ((width, height) of the result, the cost of the work as pixels of a result).

    Raises:
        problems.Problem: as `picture_size`, or too large a result.
    """
    width, height = picture_size(photo, 'photo', limits)
    if brush and brush.side:
        if _pixels(working_size(brush, width, height)) > limits.max_result:
            raise problems.parameter(
                'brush: fixed:%d takes more pixels than this server has room for; for this photo, fixed:%d '
                'or less does' % (brush.side, largest_side(width * brush.side, height * brush.side,
                                                        limits.max_result)))
        largest = largest_side(width, height, limits.max_result)
    else:
        largest = largest_side(width, height, limits.max_result, brush)
    target = fit(width, height, size or largest)
    if most_pixels(target, brush) > limits.max_result:
        raise problems.result_too_large(target[0], target[1], largest)
    painted = _pixels(working_size(brush, *target))
    return target, painted + (FINISH_COST * _pixels(target) if brush else 0) + DECODE_COST * width * height


def check_colors(order, engine):
    """Raises problems.Problem where the colours of a painting are asked for that the network does not know.

    Args:
        order: parameters.Order, without the rows of pictures.
        engine: engines.Engine.
    """
    if order.match_color and order.match_color[0] == finishing.PAINTING:
        try:
            matching.check(engine, order.style_weights, 'match_color', order.regions is not None)
        except UserError as error:
            raise problems.parameter(str(error)) from None


def picture_size(data, name, limits):
    """Reads the header of an uploaded picture: (width, height).

    Args:
        data: bytes of a file.
        name: str, its field.
        limits: Limits.

    Raises:
        problems.Problem: not a picture, not JPEG or PNG, or too large.
    """
    try:
        width, height = images.check(io.BytesIO(data), name, FORMATS, limits.max_pixels)
    except images.PictureError as error:
        raise problems.picture(error, limits) from None
    if max(width, height) > MAX_PHOTO_SIDE:
        raise problems.picture('%s: %dx%d pixels, a side of more than %d'
                               % (name, width, height, MAX_PHOTO_SIDE), limits)
    return width, height


def restyle(stylizer, photo, order, size, limits):
    """Restyles a photo.

    Args:
        stylizer: Stylizer.
        photo: bytes of a JPEG or PNG file.
        order: parameters.Order.
        size: (width, height) of the result.
        limits: Limits.

    Returns:
        bytes of a file in `order.format`.

    Raises:
        problems.Problem: the file is damaged beyond its header, or memory does not do.
    """
    try:
        pixels = images.decode(photo, 'photo', FORMATS, max_pixels=limits.max_pixels)
        if pixels.shape[1::-1] != size:
            pixels = images.resize(pixels, *size)
        stylized = stylizer.stylize(finishing.before(pixels, order.brush), order.style_weights)
        match = matching.of(order.match_color, stylizer.engine, order.style_weights)
        finish = finishing.Finish(order.preserve_color, order.brush, match)
        stylized = finishing.after(pixels, stylized, finish)
        return images.encode(stylized, order.format, order.quality)
    except UserError as error:
        raise problems.picture(error, limits) from None
    except MemoryError:
        raise problems.no_memory() from None


def thumbnails(stylizer):
    """Restyles the sample photo in every style.

    Returns:
        List of bytes, a square JPEG a style.
    """
    square = sample.square()
    return [sample.thumbnail(stylizer.stylize(square, stylizer.style_weights(str(number))))
            for number in range(1, len(stylizer.styles) + 1)]


def _pixels(size):
    return size[0] * size[1]
