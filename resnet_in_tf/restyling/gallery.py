"""Pictures of what a network can do: every style, a strip of strengths, a blend of four styles."""

import math

import numpy as np
from PIL import Image, ImageDraw

from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.style_images import image_name

GAP = 6  # pixels of white between two pictures
CAPTION = 16  # pixels of height for a line of text


def contact_sheet(stylizer, photo, shown):
    """A photo and its version in several styles, with names, in about as many rows as columns.

    Args:
        stylizer: Stylizer.
        photo: uint8 [H, W, 3].
        shown: dict of names -> style weights.

    Returns:
        uint8 [H', W', 3].
    """
    tiles = [captioned(photo, 'photo')] + [captioned(stylizer.stylize(photo, weights), name.replace('_', ' '))
                                           for name, weights in shown.items()]
    return grid(tiles, math.ceil(math.sqrt(len(tiles))))


def strength_strip(stylizer, photo, style, count=6):
    """A photo at strengths from 0 to 1, side by side: uint8 [H', W', 3]."""
    strengths = np.linspace(0, 1, count)
    return grid([captioned(stylizer.stylize(photo, stylizer.style_weights(style, strength)),
                           'strength %.1f' % strength) for strength in strengths], count)


def blend(stylizer, photo, corners, count=5):
    """A square of mixes with four styles at its corners.

    Args:
        stylizer: Stylizer.
        photo: uint8 [H, W, 3].
        corners: names of the styles top left, top right, bottom left, bottom right.
        count: pictures a side.

    Returns:
        uint8 [H', W', 3].
    """
    tiles = []
    rows = [stylizer.style_weights(corner) for corner in corners]
    for down in np.linspace(0, 1, count):
        for right in np.linspace(0, 1, count):
            shares = ((1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right)
            tiles.append(stylizer.stylize(photo, sum(share * row for share, row in zip(shares, rows))))
    return grid([images.bytes_of(tile) for tile in tiles], count, gap=2)


def brush_sheet(stylizer, photo, styles, sides=(512, 1024, 2048), shown=240):
    """A part of a photo painted at several sizes: with strokes as they are, and with those of the smallest.

    Args:
        stylizer: Stylizer.
        photo: uint8 [H, W, 3]; larger sizes than its own are made of it, too.
        styles: names of styles; the last has a row of brush sizes besides.
        sides: long sides in pixels.
        shown: pixels a side of each crop on the sheet.

    Returns:
        uint8 [H', W', 3].
    """
    def crop(pixels):
        height, width = pixels.shape[:2]
        side, top, left = [int(round(share * width)) for share in (0.25, 0.21, 0.42)]
        return images.resize(pixels[top:top + side, left:left + side], shown, shown)

    def tile(side, style, brush):
        at_side = images.resize(photo, side, max(1, round(photo.shape[0] * side / photo.shape[1])))
        painted = np.asarray(stylizer.restyle(at_side, style, brush=brush))
        return captioned(crop(painted), '%d pixels, brush %s' % (side, brush))

    tiles = [tile(side, style, brush) for style in styles for brush in (1, 'fixed:%d' % sides[0])
             for side in sides]
    tiles += [tile(sides[1], styles[-1], brush) for brush in np.linspace(0.5, 2, len(sides))]
    return grid(tiles, len(sides))


def captioned(pixels, text):
    """Pixels with a line of text below: uint8 [H + CAPTION, W, 3]."""
    pixels = images.bytes_of(pixels)
    canvas = Image.new('RGB', (pixels.shape[1], pixels.shape[0] + CAPTION), 'white')
    canvas.paste(Image.fromarray(pixels), (0, 0))
    ImageDraw.Draw(canvas).text((2, pixels.shape[0] + 2), text, fill='black')
    return np.array(canvas)


def grid(tiles, columns, gap=GAP):
    """Pictures of one size in rows on white: uint8 [H', W', 3]."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    canvas = np.full([rows * (height + gap) - gap, columns * (width + gap) - gap, 3], 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top:top + height, left:left + width] = tile
    return canvas


def reduced(photo, width):
    """A photo at a given width, in proportion: uint8 [H', width, 3]."""
    height = max(1, round(photo.shape[0] * width / photo.shape[1]))
    return images.resize(photo, width, height)


def make(stylizer, photo, folder, width=384, strip_style=None, corners=None, chosen=None, style_images=()):
    """Writes sheet, strip, with four styles or more a blend, and sheets of choice as JPEG files.

    Args:
        stylizer: Stylizer.
        photo: uint8 [H, W, 3].
        folder: an existing folder.
        width: of one picture of the sheet in pixels; strip and blend are smaller.
        strip_style: name of the strip's style; None takes the first.
        corners: names of the blend's four styles; None takes the first four.
        chosen: names of the styles on a sheet of their own; None writes none.
        style_images: paths of pictures as styles, on a sheet of their own.

    Yields:
        The path of each file, once it is written.
    """
    styles, small = stylizer.styles, reduced(photo, width)

    def named(names):
        return {name: stylizer.style_weights(name) for name in names}

    yield save(folder, 'styles.jpg', contact_sheet(stylizer, small, named(styles)))
    yield save(folder, 'strength.jpg', strength_strip(stylizer, reduced(photo, width // 2),
                                                      strip_style or styles[0]))
    if len(styles) >= 4:
        yield save(folder, 'blend.jpg', blend(stylizer, reduced(photo, width // 2),
                                              corners or styles[:4]))
    if chosen:
        yield save(folder, 'chosen.jpg', contact_sheet(stylizer, small, named(chosen)))
    if style_images:
        rows = {image_name(path): stylizer.style_weights(None, images=[path]) for path in style_images}
        yield save(folder, 'style_images.jpg', contact_sheet(stylizer, small, rows))


def save(folder, name, pixels, quality=90):
    """Writes a picture into a folder and gives its path."""
    path = folder.rstrip('/') + '/' + name
    images.write(path, pixels, quality)
    return path
