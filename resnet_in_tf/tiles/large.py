"""A picture too large for one pass: statistics first, then tiles that share them."""

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.color import preserve_color
from resnet_in_tf.tiles import exact as exact_mode
from resnet_in_tf.tiles import grid as grids
from resnet_in_tf.tiles.rows import PaddedRows, reduced_copy
from resnet_in_tf.tiles.styles import TileStyles

SMALLEST_TILE = 256  # pixels a side, halo and all: below it there is more halo than picture


def pixels_in(size, width, engine='tensorflow'):
    """How many pixels a run may have in that many bytes, with a first layer of `width` channels."""
    return int(min(max(0, size - memory.SLACK) // memory.run_bytes(width, engine),
                   memory.reservable() // memory.reserved_bytes(width)))


def stylize_rows(network, source, sink, style_weights, max_pixels, exact=False, keep_color=False,
                 on_tile=lambda done, total: None, affines=None):
    """Restyles a picture in tiles, from rows to rows.

    The statistics of every normalization come from a reduced copy of the whole picture (thumbnail
    instance normalization, Chen et al. 2022), or with `exact` from the picture itself. With them
    fixed, tiles that overlap by the receptive field agree, and nothing is blended.

    Args:
        network: FixedNetwork.
        source: MemorySource or its like.
        sink: MemorySink or its like; `finish` is left to the caller.
        style_weights: float32 [S], or regions.Regions for a network with regions.
        max_pixels: int, of one tile with its halo, and of the reduced copy.
        exact: whether true statistics are computed, with features on disk.
        keep_color: whether the photo's colours are kept.
        on_tile: called after each tile with how many are done, and of how many.
        affines: list of Affine, the statistics where they are known already; then `exact` has no say.

    Returns:
        The Grid.

    Raises:
        UserError: the disk has no room for `exact`.
        ValueError: max_pixels is less than the smallest tile.
    """
    if max_pixels < SMALLEST_TILE ** 2:
        raise ValueError('max_pixels is %d; a tile has at least %d'
                         % (max_pixels, SMALLEST_TILE ** 2))
    picture, styles = PaddedRows(source), TileStyles(style_weights, source)
    exact = exact and affines is None
    halo = exact_mode.HALO if exact else grids.RECEPTIVE_FIELD
    if exact:  # features go in and out beside the network's own, and small tiles cost little
        max_pixels = max(SMALLEST_TILE ** 2, max_pixels // 2)
    grid = grids.plan(picture.height, picture.width, max_pixels, halo)
    total = len(grids.tiles(grid)) * (len(network.norms) + network.has_palette + 1 if exact else 1)
    done = [0]

    def count():
        done[0] += 1
        on_tile(done[0], total)

    if exact:
        painter = exact_mode.ExactPainter(network, picture, grid, styles, count)
    else:
        painter = FixedPainter(network, styles, measure_copy(network, source, styles, max_pixels)
                               if affines is None else affines)
    try:
        for rows in grids.spans(grid.height, grid.tile_height, grid.halo):
            paint_band(painter, picture, grid, rows, sink, keep_color, count)
    finally:
        painter.close()
    return grid


def measure(network, source, style_weights, max_pixels, exact=False):
    """The statistics of a picture: list of Affine; arguments as `stylize_rows`."""
    styles = TileStyles(style_weights, source)
    if not exact:
        return measure_copy(network, source, styles, max_pixels)
    picture = PaddedRows(source)
    tile = max(SMALLEST_TILE ** 2, max_pixels // 2)
    grid = grids.plan(picture.height, picture.width, tile, exact_mode.HALO)
    painter = exact_mode.ExactPainter(network, picture, grid, styles, lambda: None)
    painter.close()
    return painter.affines


def measure_copy(network, source, styles, max_pixels):
    """The same of a reduced copy; `styles` are TileStyles."""
    if not network.norms:
        return []
    copy = reduced_copy(source, max_pixels)
    memory.trim()
    affines = network.statistics_of(copy, styles.of_copy(copy))
    memory.trim()
    return affines


class FixedPainter:
    """Restyles tiles with statistics that are known: FixedNetwork, TileStyles, list of Affine."""

    def __init__(self, network, styles, affines):
        self.network, self.styles, self.affines = network, styles, affines

    def __call__(self, tile, pixels):
        """Restyles a tile: float32 [h, w, 3] for uint8 [h, w, 3], exact but for its halo."""
        return self.network.stylize(pixels, self.styles.of_tile(tile), self.affines)

    def close(self):
        """Nothing is held."""


def paint_band(painter, picture, grid, rows, sink, keep_color, count):
    """Restyles one row of tiles and hands the picture's part of it on."""
    (top, bottom), (first, last) = rows
    band = picture.read(first, last)
    painted = np.empty([bottom - top, picture.width, 3], np.uint8)
    for core, tile in grids.tiles(grid, rows):
        stylized = painter(tile, band[:, tile.left:tile.right])
        stylized = stylized[grids.inside(core, tile)]
        painted[:, core.left:core.right] = images.bytes_of(stylized)
        count()
    source = picture.source
    start, stop = [min(max(row - picture.top, 0), source.height) for row in (top, bottom)]
    painted = painted[start + picture.top - top:stop + picture.top - top,
                      picture.left:picture.left + source.width]
    if start < stop:
        if keep_color:
            photo = source.read(start, stop)
            painted = images.bytes_of(preserve_color(photo, painted))
        sink.write(painted, source.read_alpha(start, stop))
