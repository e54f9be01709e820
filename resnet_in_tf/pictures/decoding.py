"""Decoding: any colour layout Pillow knows becomes 8-bit sRGB and, apart from it, alpha."""

import io

import numpy as np
from PIL import Image, ImageCms, ImagePalette

from resnet_in_tf.pictures.errors import refusal
from resnet_in_tf.pictures.guards import guarded, open_picture, without_warnings

# EXIF orientation -> (swap axes, row step, column step) that make the picture upright
_TURNS = {1: (False, 1, 1), 2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1),
          5: (True, 1, 1), 6: (True, 1, -1), 7: (True, -1, -1), 8: (True, -1, 1)}

# colour space of an ICC profile -> (pixel modes it can belong to, mode it is applied in)
_PROFILE_MODES = {'RGB': (('RGB', 'L'), 'RGB'), 'GRAY': (('L',), 'L'), 'CMYK': (('CMYK',), 'CMYK')}

# stored layout of a shallow PNG -> what one step of its samples becomes in 8 bits
_SAMPLE_STEPS = {'1': 255, 'L;2': 85, 'L;4': 17}

BLOCK = 2 ** 18  # pixels at a time, of what takes many bytes each on the way


def load(file, name, formats, max_pixels):
    """Returns (RGB image, 'L' alpha image or None, orientation the pixels still need)."""
    image, _, orientation = open_picture(file, name, formats, max_pixels)
    profile = image.info.get('icc_profile')
    with guarded(name):
        transparent = transparent_value(image)
        _mend_palette(image)
        if image.format == 'TIFF':  # reads its tags once more, and may warn of them
            with without_warnings():
                image.load()
        else:
            image.load()
        if transparent is not None:
            image.info['transparency'] = transparent
        image, mask = split_alpha(image, name)  # in this name: the transparent picture is let go
        return to_srgb(image, profile), mask, orientation


def upright(image, mask, orientation):
    """What `load` gives, as pixels: (uint8 [H, W, 3], uint8 [H, W] or None).

    Where alpha is 0 the hidden colour is replaced by white.
    """
    pixels = pixels_of(image)  # [H, W, 3]
    if mask is None:
        return turned(pixels, orientation), None
    opacity = pixels_of(mask)  # [H, W]
    np.copyto(pixels, 255, where=(opacity == 0)[..., None])  # an index would take 16 bytes a pixel
    return turned(pixels, orientation), turned(opacity, orientation)


def transparent_value(image):
    """Returns a transparent colour in the scale of the loaded pixels, which Pillow omits."""
    value = image.info.get('transparency')
    layout = image.tile[0][3] if image.format == 'PNG' and image.tile else None
    if isinstance(value, int) and layout in _SAMPLE_STEPS:
        return min(value * _SAMPLE_STEPS[layout], 255)
    if isinstance(value, tuple) and layout == 'RGB;16B':
        return tuple(sample >> 8 for sample in value)
    return value


def _mend_palette(image):
    """Takes a TIFF's colour map of 8 bits, which its standard does not know, for what it is."""
    colors = image.tag_v2.get(320, ()) if image.format == 'TIFF' and image.mode == 'P' else ()
    if 0 < max(colors, default=0) < 256:
        image.palette = ImagePalette.raw('RGB;L', bytes(colors))


def split_alpha(image, name):
    """A loaded PIL image of any mode as (image without transparency, 'L' alpha image or None)."""
    transparent = image.info.get('transparency')
    if image.mode.startswith('I;16') or (image.mode == 'I' and image.format in ('PNG', 'PPM')):
        return _from_16_bits(image, transparent)
    if image.mode in ('I', 'F'):
        raise refusal(name, '32-bit pixels have no known range; save it with 8 or 16 bits')
    if image.mode == 'RGB' and isinstance(transparent, tuple):
        return image, _where_not(image, transparent)
    if image.mode in ('LA', 'La', 'PA', 'RGBA', 'RGBa') or transparent is not None:
        grey = image.mode in ('1', 'L', 'LA', 'La')
        if image.mode == 'La':
            image = image.convert('LA')
        if image.mode == 'LA':
            return image.getchannel('L'), image.getchannel('A')
        if image.mode != 'RGBA':
            image = image.convert('RGBA')
        return image.convert('L' if grey else 'RGB'), image.getchannel('A')
    if image.mode == '1':
        return image.convert('L'), None
    return image if image.mode in ('L', 'CMYK') else image.convert('RGB'), None


def _where_not(image, colour):
    """The alpha of an RGB image that is transparent in one colour; Pillow makes two more pictures for it."""
    mask = np.empty(image.size[::-1], np.uint8)
    for part, values in _blocks(image):
        mask[part] = np.where((values == colour).all(-1), 0, 255)
    return Image.fromarray(mask)


def _from_16_bits(image, transparent):
    # TIFF stores 9 to 16 bits this way, and says how many and whether 0 is white
    tags = image.tag_v2 if image.format == 'TIFF' else {}
    most = 2 ** tags.get(258, (16,))[0] - 1
    scale = ((np.arange(most + 1) * 255 + most // 2) // most).astype(np.uint8)
    if tags.get(262, 1) == 0:
        scale = scale[::-1]
    grey = np.empty(image.size[::-1], np.uint8)
    mask = None if transparent is None else np.empty_like(grey)
    for part, values in _blocks(image):
        grey[part] = np.take(scale, values, mode='clip')
        if mask is not None:
            mask[part] = np.where(values == transparent, 0, 255)
    return Image.fromarray(grey), None if mask is None else Image.fromarray(mask)


def _blocks(image):
    """A picture's parts: (index of rows and columns, their pixels), BLOCK pixels at a time."""
    width, height = image.size
    columns = min(width, BLOCK)
    rows = max(1, BLOCK // columns)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            right, bottom = min(left + columns, width), min(top + rows, height)
            yield np.s_[top:bottom, left:right], np.asarray(image.crop((left, top, right, bottom)))


def pixels_of(image):
    """The pixels of an RGB or grey image: uint8 [H, W, 3] or [H, W], without a second copy on the way."""
    pixels = np.empty(image.size[::-1] + ((3,) if image.mode == 'RGB' else ()), np.uint8)
    for part, values in _blocks(image):
        pixels[part] = values
    return pixels


def to_srgb(image, profile):
    """An RGB, grey or CMYK PIL image in sRGB; `profile` is its ICC profile's bytes, or None."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            modes, mode = _PROFILE_MODES[source.profile.xcolor_space.strip()]
            if image.mode in modes:
                return ImageCms.profileToProfile(
                    image.convert(mode), source, ImageCms.createProfile('sRGB'), outputMode='RGB')
        except (ImageCms.PyCMSError, ImportError, KeyError, OSError, TypeError, ValueError):
            pass  # a profile that cannot be used is as good as none
    return image.convert('RGB')


def over(image, mask, background):
    base = Image.new('RGB', image.size, background)
    base.paste(image, mask=mask)
    return base


def turned(pixels, orientation):
    swap, down, right = _TURNS[orientation]
    if swap:
        pixels = pixels.swapaxes(0, 1)  # [W, H, ...]
    return np.ascontiguousarray(pixels[::down, ::right])
