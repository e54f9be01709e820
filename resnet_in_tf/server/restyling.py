"""One request's work: from the bytes of a photo to the bytes of a restyled one."""

import collections
import io
import math
import os

from resnet_in_tf import memory
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.server import problems
from resnet_in_tf.tiles.large import SMALLEST_TILE, pixels_in
from resnet_in_tf.tiles.network import first_width

# Strangers' files: the last Pillow for Python 3.7 has a hole in WebP (CVE-2023-4863).
FORMATS = ('JPEG', 'PNG')
STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'static')
SAMPLE = os.path.join(STATIC, 'sample.jpg')
THUMBNAIL = 224  # pixels a side

# max_upload in bytes; max_pixels of a photo; max_result pixels of a result; seconds for a
# request; workers that run and requests that wait at once.
Limits = collections.namedtuple(
    'Limits', 'max_upload max_pixels max_result seconds workers waiting')


def within_memory(limits, model, engine):
    """Limits with no more pixels a result than memory holds, for TensorFlow would end the process.

    Args:
        limits: Limits.
        model: path of the network; only a .pb tells what it needs.
        engine: what runs it, a key of engines.ENGINES.

    Returns:
        Limits.
    """
    if not model.endswith('.pb'):
        return limits
    free = (memory.limit_by_default() - memory.resident()) // limits.workers
    holds = pixels_in(free, first_width(frozen.read_graph(model)[0]), engine)
    return limits._replace(max_result=min(limits.max_result, max(holds, SMALLEST_TILE ** 2)))


def fit(width, height, side):
    """The size of a picture whose long side is made `side` pixels; never larger than it was."""
    long_side = max(width, height)
    if side >= long_side:
        return width, height
    return tuple(max(1, (edge * side + long_side // 2) // long_side) for edge in (width, height))


def largest_side(width, height, max_result):
    """The longest long side at which a photo's result stays within `max_result` pixels and JPEG's sides."""
    side = min(max(width, height), images.MAX_SIDE['JPEG'])
    if width * height > max_result:
        side = min(side, int(max(width, height) * math.sqrt(max_result / (width * height))))
    while side > 1 and _pixels(fit(width, height, side)) > max_result:
        side -= 1
    return side


def result_size(photo, size, limits):
    """Reads a photo's header and says how large its result becomes; decodes nothing.

    Args:
        photo: bytes of a file.
        size: int, the long side that is asked for, or None.
        limits: Limits.

    Returns:
        (width, height) of the result.

    Raises:
        problems.Problem: not a picture, not JPEG or PNG, too large a photo or result.
    """
    try:
        width, height = images.check(io.BytesIO(photo), 'photo', FORMATS, limits.max_pixels)
    except images.PictureError as error:
        raise problems.picture(error, limits) from None
    largest = largest_side(width, height, limits.max_result)
    target = fit(width, height, size or largest)
    if _pixels(target) > limits.max_result:
        raise problems.result_too_large(target[0], target[1], largest)
    return target


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
        problems.Problem: the file is damaged beyond its header.
    """
    try:
        pixels = images.decode(photo, 'photo', FORMATS, max_pixels=limits.max_pixels)
    except images.PictureError as error:
        raise problems.picture(error, limits) from None
    if pixels.shape[1::-1] != size:
        pixels = images.resize(pixels, *size)
    stylized = stylizer.stylize(pixels, order.style_weights)
    if order.preserve_color:
        stylized = preserve_color(pixels, stylized)
    return images.encode(stylized, order.format, order.quality)


def thumbnails(stylizer):
    """Restyles the sample photo in every style.

    Returns:
        List of bytes, a square JPEG a style.
    """
    photo = images.read(SAMPLE)
    height, width = photo.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = images.resize(photo[top:top + side, left:left + side], THUMBNAIL, THUMBNAIL)
    return [images.encode(stylizer.stylize(square, stylizer.style_weights(str(number))), 'JPEG', 88)
            for number in range(1, len(stylizer.styles) + 1)]


def _pixels(size):
    return size[0] * size[1]
