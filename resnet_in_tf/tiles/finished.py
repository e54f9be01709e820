"""Large pictures with another brush size or other colours: what is painted lies on disk on its way."""

import contextlib

from resnet_in_tf.pictures import finishing
from resnet_in_tf.pictures.bands import bands
from resnet_in_tf.pictures.brush import working_size
from resnet_in_tf.pictures.resized import Resized
from resnet_in_tf.tiles import large, scratch
from resnet_in_tf.tiles.rows import Spool

BYTES = 3  # of a pixel on disk


class Rows:
    """A picture on disk that takes rows and gives them back.

    Args:
        width, height: int.
    """

    has_alpha = False

    def __init__(self, width, height):
        self.width, self.height, self.spool = width, height, Spool(width, 3)

    def write(self, pixels, alpha=None):
        """Takes the next rows: uint8 [h, W, 3]."""
        self.spool.append(pixels)

    def read(self, start, stop):
        """Rows that were taken: uint8 [stop - start, W, 3]."""
        return self.spool.read(start, stop)

    def read_alpha(self, start, stop):
        """None: its transparency goes from the photo into the result."""

    def close(self):
        """Gives the disk back."""
        self.spool.close()


def memory_bytes(finish, width, height):
    """Bytes of memory that rows on their way take, where the folder for them is memory.

    Args:
        finish: finishing.Finish.
        width, height: int, of the photo.
    """
    if finishing.goes_by_pixel(finish):
        return 0
    columns, rows = working_size(finish.brush, width, height)
    return scratch.memory_bytes((1 + (finish.brush is not None)) * BYTES * columns * rows)


def stylize_rows(network, source, sink, style_weights, max_pixels, exact=False, finish=finishing.PLAIN,
                 on_tile=lambda done, total: None):
    """Restyles a picture in tiles, from rows to rows.

    Args:
        finish: finishing.Finish.
        network, source, sink, style_weights, max_pixels, exact, on_tile: as in large.stylize_rows.

    Returns:
        The Grid.

    Raises:
        UserError: the disk has no room.
    """
    if finishing.goes_by_pixel(finish):
        return large.stylize_rows(network, source, sink, style_weights, max_pixels, exact, finish.keep_color,
                                  on_tile)
    size = working_size(finish.brush, source.width, source.height)
    with contextlib.ExitStack() as stack:
        painted, small = stack.enter_context(contextlib.closing(Rows(*size))), source
        if finish.brush is not None:
            small, resized = stack.enter_context(contextlib.closing(Rows(*size))), Resized(source, *size)
            for rows in bands(resized.height):
                small.write(resized.read(rows.start, min(rows.stop, resized.height)))
        grid = large.stylize_rows(network, small, painted, style_weights, max_pixels, exact, on_tile=on_tile)
        for rows, block in finishing.finished(source, small, painted, finish):
            sink.write(block, source.read_alpha(rows.start, rows.stop))
    return grid
