"""Masks that come with a request: what they may be, what they cost, and the regions that they make."""

from resnet_in_tf.errors import UserError
from resnet_in_tf.network.regions import SMALL_PIXELS, Regions
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.masks import Masks, of_pixels
from resnet_in_tf.restyling.stylizer import with_rows
from resnet_in_tf.server import problems, restyling

FIELD = 'mask'


def check(count, limits):
    """Raises problems.Problem where a request has more masks than are taken.

    Args:
        count: int.
        limits: restyling.Limits.
    """
    if count and not limits.masks:
        raise problems.parameter('mask: this server paints one style all over; leave it out')
    if count > limits.masks:
        raise problems.parameter('mask: %d are too many; at most %d' % (count, limits.masks))


def cost(uploads, size, limits):
    """What masks cost, as pixels of a result: decoding them, and the small copy that is painted beside.

    Args:
        uploads: list of bytes of files; of each, the header is read.
        size: (width, height) of the result.
        limits: restyling.Limits.

    Raises:
        problems.Problem: not a picture, not JPEG or PNG, or too large.
    """
    total = 0
    for data in uploads:
        width, height = restyling.picture_size(data, FIELD, limits)
        total += restyling.DECODE_COST * width * height
    return total + (len(uploads) + 2) * min(SMALL_PIXELS, size[0] * size[1]) if uploads else 0


def style(order, rows, uploads, size, limits):
    """The style of a picture: style weights, or with masks Regions.

    Args:
        order: parameters.Order.
        rows: list of float32 [R], of the request's pictures as styles.
        uploads: list of bytes of files, its masks.
        size: (width, height) of the result.
        limits: restyling.Limits.

    Raises:
        problems.Problem: a mask is damaged beyond its header, or memory does not do.
    """
    if not uploads:
        return with_rows(order.style_weights, rows)
    try:
        decoded = (images.decode(data, FIELD, restyling.FORMATS, 'black', limits.max_pixels)
                   for data in uploads)
        masks = [images.resize(of_pixels(pixels), *size) for pixels in decoded]
    except UserError as error:
        raise problems.picture(error, limits) from None
    except MemoryError:
        raise problems.no_memory() from None
    return Regions([with_rows(weights, rows) for weights in order.regions], Masks(masks))
