"""Guards against bad picture files: which formats open, and how large."""

import contextlib
import os
import stat
import threading
import warnings

# Imported for their entries in Image.OPEN and Image.SAVE. None of them runs another program.
from PIL import (  # noqa: F401
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures.containers import ORIENTATION, without_metadata
from resnet_in_tf.pictures.errors import refusal

FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF', 'GIF', 'PPM')
EXTENSIONS = {
    '.jpg': 'JPEG', '.jpeg': 'JPEG', '.jpe': 'JPEG', '.jfif': 'JPEG', '.png': 'PNG',
    '.webp': 'WEBP', '.bmp': 'BMP', '.tif': 'TIFF', '.tiff': 'TIFF', '.gif': 'GIF',
    '.ppm': 'PPM', '.pgm': 'PPM', '.pbm': 'PPM', '.pnm': 'PPM'}
MAX_PIXELS = 178956970  # where Pillow, too, takes a picture for a decompression bomb

_warnings_lock = threading.Lock()


@contextlib.contextmanager
def guarded(name, action='read'):
    """Turns whatever the code inside throws into one PictureError that names the file.

    Decoders throw nearly anything on damaged bytes (struct.error, IndexError, zlib.error ...), so
    every Exception counts; KeyboardInterrupt and the like pass.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError:
        raise refusal(name, 'not enough memory for a picture of this size') from None
    except Image.DecompressionBombError:
        raise refusal(name, 'a decompression bomb, refused before decoding') from None
    except OSError as error:
        if error.errno is not None:
            reason = 'cannot {} it: {}'.format(action, os.strerror(error.errno))
        elif action == 'read' and 'truncated' in str(error):
            reason = 'the file is cut short'
        else:
            reason = 'cannot {} it, damaged or cut short ({})'.format(action, error)
        raise refusal(name, reason) from error
    except Exception as error:
        raise refusal(name, 'cannot {} it ({}: {})'.format(
            action, type(error).__name__, error)) from error


@contextlib.contextmanager
def open_file(path):
    """Opens a file for reading, with a clear refusal of what is no file.

    Args:
        path: str or path-like.

    Yields:
        A binary file that can seek.

    Raises:
        PictureError: missing, a folder, a device, or not permitted.
    """
    path = os.fspath(path)
    with guarded(path):
        try:
            kind = os.stat(path).st_mode
        except FileNotFoundError:
            raise refusal(path, 'no such file') from None
        if stat.S_ISDIR(kind):
            raise refusal(path, 'is a folder, not a picture')
        if not stat.S_ISREG(kind):
            raise refusal(path, 'is not a regular file')
        with open(path, 'rb') as file:
            yield file


def open_picture(file, name, formats=None, max_pixels=MAX_PIXELS):
    """Reads a picture's header and applies every guard; no pixel is decoded.

    Args:
        file: binary file that can seek.
        name: str for messages.
        formats: names out of FORMATS that are allowed, None for all.
        max_pixels: int, the largest width * height.

    Returns:
        (PIL image, not loaded; (width, height) after orientation; EXIF orientation 1 to 8 that
        the pixels still need once loaded).

    Raises:
        PictureError: empty, not a picture, a damaged header, or too large.
    """
    formats = FORMATS if formats is None else tuple(formats)
    unknown = [name_ for name_ in formats if name_ not in FORMATS]
    if unknown:
        raise ValueError('unknown formats {}, known are {}'.format(unknown, FORMATS))
    file.seek(0)
    prefix = file.read(16)
    if not prefix:
        raise refusal(name, 'the file is empty')
    with guarded(name), without_warnings():
        image, orientation = _open_header(file, prefix, name, formats, max_pixels)
        if image.format == 'TIFF':
            # Pillow turns a TIFF while it loads, and releases differ in the size they tell before.
            width, height = int(image.tag_v2[256]), int(image.tag_v2[257])
            orientation, todo = image.tag_v2.get(ORIENTATION), 1
            _check_layout(image, name)
        else:
            (width, height), todo = image.size, orientation
    if width < 1 or height < 1:
        raise refusal(name, 'the picture has no pixels ({}x{})'.format(width, height))
    if width * height > max_pixels:
        raise refusal(name, '{}x{} pixels are more than the limit of {:.0f} million, refused '
                            'before decoding'.format(width, height, max_pixels / 1e6))
    size = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
    return image, size, todo


@contextlib.contextmanager
def without_warnings():
    """Keeps Pillow quiet about damaged EXIF; one thread at a time, as filters are the process's."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def _open_header(file, prefix, name, formats, max_pixels):
    # Image.open would warn of, or refuse, large pictures by its own global limit.
    for format_ in formats:
        factory, accept = Image.OPEN[format_]
        accepted = accept(prefix) if accept else True
        if isinstance(accepted, str):
            raise refusal(name, 'this Pillow cannot read {} files'.format(format_))
        if accepted:
            view, orientation = without_metadata(file, name, format_, max_pixels)
            try:
                return factory(view, ''), orientation
            except SyntaxError as error:
                raise refusal(name, 'damaged {} file ({})'.format(
                    format_, str(error) or 'bad header')) from error
    raise refusal(name, 'not a picture in a known format ({})'.format(', '.join(formats)))


def _check_layout(image, name):
    """Refuses a TIFF whose pixels Pillow would take for others."""
    tags = image.tag_v2
    raw, bits = tags.get(259, 1) == 1, tags.get(258, (1,))
    planes = tags.get(284, 1) == 2 and tags.get(277, 1) > 1
    if planes and (image.mode not in ('RGB', 'RGBA', 'RGBX', 'CMYK') or raw and set(bits) != {8}):
        raise refusal(name, 'a TIFF of {} in separate planes is not read; save it with interleaved '
                            'pixels'.format(image.mode))
    if raw and tags.get(262) == 6:
        raise refusal(name, 'an uncompressed TIFF in YCbCr is not read; save it as RGB')
