"""What --mask and --elsewhere ask for: a style for each region of a picture."""

import os

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.network.interface import IDENTITY, IMAGE, ROW, STYLE_WEIGHTS
from resnet_in_tf.network.regions import SMALL_PIXELS, Regions
from resnet_in_tf.pictures import held, images, masks
from resnet_in_tf.restyling.style_images import parse_image
from resnet_in_tf.tiles.rows import MemorySource, reduced_copy

MOST_MASKS = 32  # their shares of a picture are held in memory


def asked(stylizer, given, elsewhere=None, style=None, style_images=(), strength=1.0, refine=None):
    """The styles of regions.

    Args:
        stylizer: Stylizer.
        given: list of masks: a path, with a style or without, 'sky.png:wave'; or what a program has, a PIL
            image or an array, or a pair of any of these and a style.
        elsewhere: the style of what no mask has; None for `identity`, the photo itself.
        style, style_images, refine: of the one mask that names no style, as in Stylizer.style_weights.
        strength: of all styles.

    Returns:
        (Regions, list of str, names of their styles without `identity`).

    Raises:
        UserError: a mask is no picture, or masks and styles do not go together.
    """
    if stylizer.engine.by_region is None:
        raise UserError('--mask: %s paints one style all over: masks need a network with instance norms, or '
                        'a .pb' % stylizer.model)
    pairs = [split(mask) for mask in given]
    unnamed = [mask for mask, own in pairs if own is None]
    if len(pairs) > MOST_MASKS:
        raise UserError('--mask: %d are too many; at most %d' % (len(pairs), MOST_MASKS))
    if len(unnamed) > 1:
        raise UserError('--mask: %d masks name no style, and one may; write %s:wave for a style of its own'
                        % (len(unnamed), named(unnamed[1])))
    if not unnamed and (style is not None or style_images):
        raise UserError('%s: each --mask names a style of its own; that of the rest is --elsewhere' % (
            '--style_image %s' % style_images[0] if style_images else '--style %s' % style))
    weights, names = [], []
    for flag, own in [('--mask', own) for _, own in pairs] + [('--elsewhere', elsewhere or IDENTITY)]:
        mix, pictures = (style, list(style_images)) if own is None else as_style(own, stylizer.style_names)
        try:
            weights.append(stylizer.style_weights(mix, strength, pictures, *[refine] * (own is None)))
        except UserError as error:
            raise error if own is None else UserError(
                str(error).replace('--style_image', flag, 1).replace('--style', flag, 1)) from error
        names += stylizer.styles_in(weights[-1], pictures)
    names = [name for number, name in enumerate(names) if name != IDENTITY and name not in names[:number]]
    return Regions(weights, masks.Masks([read(mask) for mask, _ in pairs])), names or [IDENTITY]


class RegionEngine:
    """Restyles pictures by region: a second form of a network, opened when a picture first has some.

    Args:
        engine: engines.Engine with `by_region`.
    """

    def __init__(self, engine):
        self.styles = len(engine.style_names)
        self.run, self.close = engine.by_region.open()

    def stylize(self, pixels, regions):
        """Restyles one picture: float32 [H, W, 3] for uint8 or float32 [H, W, 3] in [0, 255] and Regions."""
        small = reduced_copy(MemorySource(images.bytes_of(pixels)), SMALL_PIXELS)
        weights, feeds = regions.fed(small, regions.masks.shares(*pixels.shape[:2]))
        feeds.update({IMAGE: np.asarray(pixels, np.float32)[None], STYLE_WEIGHTS: weights[:, :self.styles]})
        if weights.shape[1] > self.styles:
            feeds[ROW] = weights[:, self.styles:]
        return self.run(feeds)[0]


def tiles(engine, style):
    """What runs a network in tiles, as engines.Engine has it, for a style: float32 [S], or Regions."""
    return engine.by_region.tiles() if isinstance(style, Regions) else engine.tiles()


def split(mask):
    """Takes 'sky.png:wave' apart: (mask, style), None where it names no style; pairs are such already."""
    if isinstance(mask, (tuple, list)):
        if len(mask) != 2:
            raise UserError('--mask: a pair is a mask and a style, and this has %d parts' % len(mask))
        return tuple(mask)
    if isinstance(mask, str) and not os.path.exists(mask):
        places = [place for place, letter in enumerate(mask) if letter == ':']
        for place in reversed(places):
            if os.path.exists(mask[:place]):
                return mask[:place], mask[place + 1:]
    return mask, None


def as_style(text, style_names):
    """What a region's style is: (mix, pictures as styles), as Stylizer.style_weights takes them."""
    text = str(text)
    known = text.partition(':')[0].partition(',')[0].strip()
    if known not in style_names and not known.isdecimal() and os.path.exists(parse_image(text)[0]):
        return None, [text]
    return text, []


def paths(given, elsewhere=None):
    """Paths of the files that masks and styles of regions are: list of str; arguments as in `asked`."""
    pairs = [split(mask) for mask in given]
    styles = [parse_image(os.fspath(own))[0] for own in [own for _, own in pairs] + [elsewhere]
              if isinstance(own, (str, os.PathLike))]
    return [os.fspath(path) for path in [mask for mask, _ in pairs] + styles
            if isinstance(path, (str, os.PathLike)) and os.path.exists(path)]


def named(mask):
    """What a message calls a mask."""
    return os.fspath(mask) if isinstance(mask, (str, os.PathLike)) else 'mask'


def read(mask):
    """A mask from a file, a PIL image or an array, of truth values too: uint8 [h, w]."""
    if isinstance(mask, np.ndarray) and mask.dtype == bool:
        mask = mask.astype(np.uint8) * 255
    try:
        if isinstance(mask, (str, os.PathLike)):
            return masks.of_pixels(*images.read_rgba(mask))
        return masks.of_pixels(*held.rgba(held.as_image(mask)))
    except UserError as error:
        line = str(error)
        line = '--mask %s' % line if named(mask) in line else line.replace(held.NAME, 'mask', 1)
        raise UserError(line) from error
