"""Pictures that a program holds, PIL images and arrays, by the rules that files are read by."""

import numpy as np
from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures.containers import exif_orientation
from resnet_in_tf.pictures.decoding import split_alpha, to_srgb, transparent_value, upright
from resnet_in_tf.pictures.errors import refusal
from resnet_in_tf.pictures.guards import MAX_PIXELS, guarded, without_warnings

NAME = 'photo'  # in messages, where a file's path would stand


def as_image(photo):
    """A PIL image as it is, an array as one.

    Args:
        photo: PIL image, or uint8 [H, W], [H, W, 3] or [H, W, 4].

    Returns:
        PIL image, not decoded; checked to be of a size that is worked on.

    Raises:
        PictureError: no pixels, or too many.
        UserError: neither image nor such an array.
    """
    if not isinstance(photo, Image.Image):
        pixels = photo if isinstance(photo, np.ndarray) else None
        if pixels is None or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (
                pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
            given = type(photo).__name__ if pixels is None else '%s %s' % (pixels.dtype, list(pixels.shape))
            raise UserError('%s: %s is not taken; give a path, a PIL image or a uint8 array [H, W], '
                            '[H, W, 3] or [H, W, 4]' % (NAME, given))
        if pixels.size:
            photo = Image.fromarray(np.ascontiguousarray(pixels))
        else:
            raise refusal(NAME, 'the picture has no pixels (%dx%d)' % pixels.shape[1::-1])
    if not photo.width or not photo.height:
        raise refusal(NAME, 'the picture has no pixels (%dx%d)' % photo.size)
    if photo.width * photo.height > MAX_PIXELS:
        raise refusal(NAME, '%dx%d pixels are more than the limit of %.0f million'
                      % (photo.size + (MAX_PIXELS / 1e6,)))
    return photo


def rgba(image):
    """Pixels and transparency of a PIL image, as images.read_rgba gives a file's.

    Orientation by EXIF and the colour profile are applied as they stand in the image's `info`; the image
    stays as it is.

    Args:
        image: PIL image.

    Returns:
        (uint8 [H, W, 3] RGB, uint8 [H, W] alpha or None).

    Raises:
        PictureError: it cannot be decoded, or is of a mode without a known range.
    """
    with guarded(NAME):
        transparent, profile = transparent_value(image), image.info.get('icc_profile')
        with without_warnings():  # a TIFF may warn of its tags
            image.load()
        if transparent != image.info.get('transparency'):
            image = image.copy()
            image.info['transparency'] = transparent
        # Pillow turns a TIFF while it loads.
        todo = 1 if image.format == 'TIFF' else orientation(image.info.get('exif'))
        image, mask = split_alpha(image, NAME)
        return upright(to_srgb(image, profile), mask, todo)


def orientation(exif):
    """The EXIF orientation 1 to 8 in a block of EXIF: bytes, or None."""
    exif = exif or b''
    found = exif_orientation(lambda position, size: exif[position:position + size], len(exif))
    return found if found in range(1, 9) else 1
