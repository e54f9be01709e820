"""Where tiles lie: cores that cover the picture once, halos that give a core all it can see."""

import collections

import numpy as np

from resnet_in_tf.network.interface import SMALLEST

STEP = 4  # pixels: the network works at a quarter of the size, and its grid starts at zero

# How far an output pixel can see, in input pixels. Back from the output: 9x9 (4); 3x3 (1) over an
# interpolation to twice the size (1 there, 2 here); the same at half size (2 + 4); ten 3x3 at a
# quarter (40); two 3x3 with stride 2 (2 + 1); 9x9 (4): 60.
RECEPTIVE_FIELD = 60

Tile = collections.namedtuple('Tile', 'top bottom left right')
Grid = collections.namedtuple('Grid', 'height width tile_height tile_width halo')


def padded(length):
    """Which pixels stand in a row of the picture once it is padded as `generator.pad_to_grid` does.

    Args:
        length: int, from 1.

    Returns:
        (int [length'] indices, int: where in them the picture starts).
    """
    target = max(SMALLEST, -(-length // STEP) * STEP)
    before = (target - length) // 2
    period = max(2 * (length - 1), 1)
    index = (np.arange(target) - before) % period
    return np.minimum(index, period - index), before


def plan(height, width, max_pixels, halo=RECEPTIVE_FIELD):
    """The grid that computes the fewest pixels with tiles no larger than allowed.

    Args:
        height, width: int, of the padded picture, multiples of STEP.
        max_pixels: int, of one tile with its halo.
        halo: int, multiple of STEP.

    Returns:
        Grid, or None where such tiles would hold nothing but halo.
    """
    best, least = None, None
    for columns in range(1, -(-width // STEP) + 1):
        tile_width = even_share(width, columns)
        across = min(width, tile_width + 2 * halo)
        room = max_pixels // across // STEP * STEP
        tall = height if room >= height else room - 2 * halo
        if tall < STEP:
            continue
        tile_height = even_share(height, -(-height // tall))
        grid = Grid(height, width, tile_height, tile_width, halo)
        cost = computed_pixels(grid)
        if least is not None and cost > 2 * least:
            break  # ever narrower tiles only get worse
        if least is None or cost < least:
            best, least = grid, cost
    return best


def even_share(length, parts):
    """The length of each of `parts` parts, a multiple of STEP."""
    return -(-length // (parts * STEP)) * STEP


def computed_pixels(grid):
    """How many pixels the tiles of a grid hold, halos counted."""
    rows = [bottom - top for _, (top, bottom) in spans(grid.height, grid.tile_height, grid.halo)]
    columns = [right - left for _, (left, right) in spans(grid.width, grid.tile_width, grid.halo)]
    return sum(rows) * sum(columns)


def spans(length, step, halo):
    """Pairs of (core, core with halo) along one side, each (start, stop); halos end at borders."""
    return [((start, min(start + step, length)),
             (max(start - halo, 0), min(start + step + halo, length)))
            for start in range(0, length, step)]


def tiles(grid, rows=None):
    """The tiles of a grid from the top left on.

    Args:
        grid: Grid.
        rows: one pair of `spans` down the picture, or None for all.

    Returns:
        List of (core, core with halo), each a Tile.
    """
    down = spans(grid.height, grid.tile_height, grid.halo) if rows is None else [rows]
    across = spans(grid.width, grid.tile_width, grid.halo)
    return [(Tile(*(core_rows + core_columns)), Tile(*(halo_rows + halo_columns)))
            for core_rows, halo_rows in down for core_columns, halo_columns in across]


def inside(core, tile, scale=1):
    """The core's part of an array that holds `tile` at 1/scale of the size, as two slices."""
    return (slice((core.top - tile.top) // scale, (core.bottom - tile.top) // scale),
            slice((core.left - tile.left) // scale, (core.right - tile.left) // scale))
