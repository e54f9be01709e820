"""Pictures as styles that come with a request: what they may be, what they cost, and their rows."""

import io

from resnet_in_tf.errors import UserError
from resnet_in_tf.server import problems, restyling

FIELD = 'style_image'

# What a pixel costs as it becomes a row, as a share of a pixel that goes through the generator: measured.
PREDICT_COST = 1.6


def check(count, limits):
    """Raises problems.Problem where a request has more pictures as styles than are taken.

    Args:
        count: int.
        limits: restyling.Limits.
    """
    if count and not limits.style_images:
        raise problems.parameter('style_image: this server makes no style from a picture; choose one of '
                                 '/v1/styles')
    if count > limits.style_images:
        raise problems.parameter('style_image: %d pictures are too many; at most %d'
                                 % (count, limits.style_images))


def cost(paintings, maker, limits):
    """What the rows of pictures cost, as pixels of a result; those that are there already cost nothing.

    Args:
        paintings: list of bytes of files; of each, the header is read.
        maker: StyleImages; None where there are no paintings.
        limits: restyling.Limits.

    Raises:
        problems.Problem: not a picture, not JPEG or PNG, or too large.
    """
    total = 0
    for name, data in named(paintings):
        width, height = restyling.picture_size(data, name, limits)
        if not maker.has_row_of(io.BytesIO(data)):
            seen = restyling.fit(width, height, maker.size)
            total += restyling.DECODE_COST * width * height + PREDICT_COST * seen[0] * seen[1]
    return total


def rows(paintings, maker, limits):
    """The rows of pictures: list of float32 [R]; arguments as in `cost`.

    Raises:
        problems.Problem: a file is damaged beyond its header, or memory does not do.
    """
    try:
        return [maker.row_of(io.BytesIO(data), name, restyling.FORMATS, limits.max_pixels)
                for name, data in named(paintings)]
    except UserError as error:
        raise problems.picture(error, limits) from None
    except MemoryError:
        raise problems.no_memory() from None


def named(paintings):
    """Pairs of what a message calls each picture, and the picture."""
    return [(FIELD if len(paintings) == 1 else '%s %d' % (FIELD, number), data)
            for number, data in enumerate(paintings, 1)]
