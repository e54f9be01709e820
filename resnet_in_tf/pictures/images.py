"""Pictures in and out: files become upright sRGB pixels and are written whole or not at all."""

import io
import os

import numpy as np
from PIL import Image, ImageColor

from resnet_in_tf.errors import UserError
from resnet_in_tf.files import atomic_file
from resnet_in_tf.pictures import resized
from resnet_in_tf.pictures.bands import bands
from resnet_in_tf.pictures.decoding import load, over, pixels_of, turned, upright
from resnet_in_tf.pictures.errors import PictureError, refusal
from resnet_in_tf.pictures.guards import EXTENSIONS, MAX_PIXELS, guarded, open_file, open_picture
from resnet_in_tf.pictures.listing import find_pictures, list_pictures

__all__ = ['PictureError', 'MAX_PIXELS', 'MAX_SIDE', 'EXTENSIONS', 'read', 'read_rgba', 'decode', 'check',
           'check_target', 'format_in', 'format_of', 'write', 'encode', 'bytes_of', 'resize', 'middle',
           'find_pictures', 'list_pictures']

_KEEP_ALPHA = ('PNG', 'WEBP', 'TIFF')
MAX_SIDE = {'JPEG': 65500, 'WEBP': 16383, 'GIF': 65535}  # pixels; other formats hold what fits in memory


def read(path, alpha='white', max_pixels=MAX_PIXELS):
    """Reads a picture file as upright sRGB pixels.

    EXIF orientation and ICC profile are applied, 16 bits scaled to 8, the first frame of an
    animation taken, and any colour layout turned into RGB.

    Args:
        path: str.
        alpha: str, the colour that shows through transparent pixels ('white', '#rrggbb').
        max_pixels: int, larger pictures are refused before they are decoded.

    Returns:
        uint8 [H, W, 3], RGB in [0, 255].

    Raises:
        PictureError: the file is missing, empty, cut short, no picture, or too large.
    """
    with open_file(path) as file:
        return _flattened(file, os.fspath(path), alpha, None, max_pixels)


def read_rgba(path, max_pixels=MAX_PIXELS):
    """Reads a picture file as `read` does, with its transparency kept apart.

    Args:
        path: str.
        max_pixels: int, larger pictures are refused before they are decoded.

    Returns:
        (uint8 [H, W, 3] RGB, uint8 [H, W] alpha or None). Colours are not multiplied by alpha;
        where alpha is 0 the hidden colour is replaced by white.

    Raises:
        PictureError: as `read`.
    """
    with open_file(path) as file:
        return upright(*load(file, os.fspath(path), None, max_pixels))


def decode(bytes_or_file, name, formats=None, alpha='white', max_pixels=MAX_PIXELS):
    """Decodes the bytes of a picture file as `read` does.

    Args:
        bytes_or_file: bytes of the whole file, or a binary file that can seek, read from its start.
        name: str that error messages begin with.
        formats: names that are allowed, such as ('JPEG', 'PNG'); None for all that `read` takes.
        alpha: str, the colour that shows through transparent pixels.
        max_pixels: int, larger pictures are refused before they are decoded.

    Returns:
        uint8 [H, W, 3], RGB in [0, 255].

    Raises:
        PictureError: as `read`.
    """
    file = bytes_or_file if hasattr(bytes_or_file, 'read') else io.BytesIO(bytes_or_file)
    return _flattened(file, name, alpha, formats, max_pixels)


def check(path_or_file, name='picture', formats=None, max_pixels=MAX_PIXELS):
    """Applies every guard that needs no more than the header.

    Args:
        path_or_file: str, or a binary file that can seek, read from its start; its position
            is put back.
        name: str for messages when it is a file.
        formats: names that are allowed, None for all.
        max_pixels: int, larger pictures are refused.

    Returns:
        (width, height) in pixels, once upright.

    Raises:
        PictureError: as `read`, but for damage after the header.
    """
    if not hasattr(path_or_file, 'read'):
        with open_file(path_or_file) as file:
            return open_picture(file, os.fspath(path_or_file), formats, max_pixels)[1]
    start = path_or_file.tell()
    try:
        return open_picture(path_or_file, name, formats, max_pixels)[1]
    finally:
        path_or_file.seek(start)


def format_in(path):
    """The format of what is in a picture file, as Pillow names it; PictureError as in `check`."""
    with open_file(path) as file:
        return open_picture(file, os.fspath(path))[0].format


def format_of(path):
    """The format that a file's name tells, as Pillow names it, or None."""
    return EXTENSIONS.get(os.path.splitext(path)[1].lower())


def check_target(path, width, height):
    """Checks, before any work, that a picture of a size can become a file.

    Args:
        path: str, the format is that of its extension.
        width, height: int, in pixels.

    Returns:
        str, the format.

    Raises:
        PictureError: unknown extension, or sides that the format cannot hold.
    """
    path = os.fspath(path)
    format_ = format_of(path)
    if format_ is None:
        raise refusal(path, 'unknown extension, use one of ' + ' '.join(sorted(EXTENSIONS)))
    try:
        _check_sides(format_, width, height)
    except UserError as error:
        raise refusal(path, error) from None
    return format_


def _check_sides(format_, width, height):
    limit = MAX_SIDE.get(format_)
    if limit and max(height, width) > limit:
        raise UserError('{}x{} is too large for {}, which ends at {} pixels a side; '
                        'write a .png'.format(width, height, format_, limit))


def write(path, pixels, quality=95, alpha=None):
    """Writes a picture file whole or not at all, in the format of its extension.

    Args:
        path: str; its folder must exist. What was there before is replaced.
        pixels: uint8 or float [H, W, 3], RGB in [0, 255]; floats are rounded and clipped.
        quality: int, 1 to 100, of JPEG and WebP.
        alpha: uint8 [H, W] or None; kept in PNG, WebP and TIFF, else laid over white.

    Raises:
        UserError: unknown extension, quality out of range.
        PictureError: the file cannot be written; nothing is left behind.
    """
    path = os.fspath(path)
    pixels = np.asarray(pixels)
    format_ = check_target(path, *pixels.shape[1::-1])
    target = os.path.realpath(path)  # a link stays a link
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise refusal(path, 'cannot write it: there is no folder {}'.format(folder))
    if os.path.exists(target) and not os.path.isfile(target):
        raise refusal(path, 'cannot write it: not a regular file')
    try:
        data = encode(pixels, format_, quality, alpha)
    except (UserError, OSError, MemoryError) as error:
        raise refusal(path, str(error) or 'not enough memory') from error
    with guarded(path, 'write'), atomic_file(path) as file:
        file.write(data)


def encode(pixels, format, quality=95, alpha=None):
    """Encodes pixels as the bytes of a picture file.

    Args:
        pixels: uint8 or float [H, W, 3], RGB in [0, 255]; floats are rounded and clipped.
        format: str, 'JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'GIF' or 'PPM', in any case.
        quality: int, 1 to 100, of JPEG and WebP.
        alpha: uint8 [H, W] or None; kept in PNG, WebP and TIFF, else laid over white.

    Returns:
        bytes.

    Raises:
        UserError: unknown format, quality out of range, sides the format cannot hold, NaN.
        ValueError: pixels or alpha of a wrong shape.
    """
    format_ = EXTENSIONS.get('.' + format.lower(), '')
    if not format_:
        raise UserError('unknown picture format {}, use one of {}'.format(
            format, ', '.join(sorted(set(EXTENSIONS.values())))))
    if not 1 <= quality <= 100:
        raise UserError('quality {} is not between 1 and 100'.format(quality))
    pixels = bytes_of(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError('pixels have shape {}, not [H, W, 3]'.format(pixels.shape))
    height, width = pixels.shape[:2]
    _check_sides(format_, width, height)
    image = Image.fromarray(pixels)
    if alpha is not None:
        alpha = bytes_of(alpha)
        if alpha.shape != pixels.shape[:2]:
            raise ValueError('alpha has shape {}, pixels {}'.format(alpha.shape, pixels.shape))
        mask = Image.fromarray(alpha)
        if format_ in _KEEP_ALPHA:
            image.putalpha(mask)
        else:
            image = over(image, mask, 'white')
    if format_ == 'GIF':
        image = image.quantize()  # Pillow 8 would take the 216 web colours
    options = {
        # Full colour resolution at high quality: painted edges are where halving it shows.
        'JPEG': {'quality': quality, 'subsampling': 0 if quality >= 90 else 2},
        'WEBP': {'quality': quality},
        'TIFF': {'compression': 'tiff_lzw'},
    }.get(format_, {})
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def resize(pixels, width, height):
    """Resizes pixels, antialiased (Lanczos).

    Args:
        pixels: uint8 or float [H, W, 3] or [H, W], in [0, 255].
        width: int, at least 1.
        height: int, at least 1.

    Returns:
        uint8 [height, width, 3] or [height, width].
    """
    if width < 1 or height < 1:
        raise ValueError('cannot resize to {}x{}'.format(width, height))
    return np.array(resized.resize(Image.fromarray(bytes_of(pixels)), width, height))


def middle(pixels, side):
    """The largest square in the middle of pixels, at a size: uint8 [side, side, 3]."""
    height, width = pixels.shape[:2]
    own = min(height, width)
    top, left = (height - own) // 2, (width - own) // 2
    return resize(pixels[top:top + own, left:left + own], side, side)


def _flattened(file, name, alpha, formats, max_pixels):
    background = ImageColor.getrgb(alpha)[:3]
    image, mask, orientation = load(file, name, formats, max_pixels)
    if mask is not None:
        image = over(image, mask, background)
    return turned(pixels_of(image), orientation)  # [H, W, 3]


def bytes_of(pixels):
    """Pixels, uint8 or float, rounded and clipped: uint8 of the same shape; UserError where one is NaN."""
    pixels = np.asarray(pixels)
    if pixels.dtype == np.uint8:
        return pixels
    rounded = np.empty(pixels.shape, np.uint8)
    for rows in bands(len(pixels)):
        if not np.isfinite(pixels[rows]).all():
            raise UserError('the pixels hold NaN or infinity')
        rounded[rows] = np.clip(np.rint(pixels[rows]), 0, 255)
    return rounded
