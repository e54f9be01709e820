"""Picture files as rows: the best way in and out, and whether memory is enough for it."""

import contextlib

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles import scratch, vips
from resnet_in_tf.tiles.large import SMALLEST_TILE, pixels_in
from resnet_in_tf.tiles.rows import SpooledSink, SpooledSource

WHOLE_BYTES = 8  # a pixel, while Pillow decodes or encodes a picture whole, its own copy included
SPOOL_BYTES = 4  # a pixel of a picture that lies in a temporary file
BAND_BYTES = 12 * 1024  # a column, for the rows that are in hand


@contextlib.contextmanager
def open_source(path, max_memory):
    """Opens a picture file for reading by rows.

    Args:
        path: str.
        max_memory: int, bytes that the process may hold.

    Yields:
        VipsSource or SpooledSource.

    Raises:
        PictureError: as images.read.
        UserError: the picture has to be decoded whole, and memory is too little for that.
    """
    source = vips.open_source(path)
    if source is None:
        width, height = images.check(path)
        needed = memory.resident() + (WHOLE_BYTES + scratch.memory_bytes(SPOOL_BYTES)) * width * height
        if needed > max_memory:
            raise UserError('%s: decoding it takes %s, more than --max_memory %s; %s' % (
                path, memory.show(needed), memory.show(max_memory), advice()))
        source = SpooledSource(path)
    try:
        yield source
    finally:
        source.close()


def advice():
    if vips.library() is None:
        return 'pip install resnet_in_tf[large] reads JPEG, PNG and TIFF row by row'
    return 'save it as an upright 8-bit JPEG, PNG or TIFF, which are read row by row'


@contextlib.contextmanager
def open_sink(path, source, quality):
    """Opens a picture file for writing by rows: VipsSink or SpooledSink, of the source's width."""
    kind = vips.VipsSink if vips.streams_to(path, source.has_alpha) else SpooledSink
    sink = kind(path, source.width, source.has_alpha, quality)
    try:
        yield sink
    finally:
        sink.close()


def tile_pixels(path, max_memory, channels, source):
    """How large a tile may be.

    Args:
        path: str, for the message.
        max_memory: int, bytes that the process may hold.
        channels: int, of the network's first layer.
        source: VipsSource or SpooledSource, open.

    Returns:
        int, pixels with halo.

    Raises:
        UserError: less than the smallest tile.
    """
    held = memory.resident() + BAND_BYTES * source.width
    held += scratch.memory_bytes(SPOOL_BYTES * source.width * source.height)  # the result's rows
    pixels = pixels_in(max_memory - held, channels)
    if pixels < SMALLEST_TILE ** 2:
        needed = held + memory.SLACK + memory.run_bytes(channels) * (SMALLEST_TILE ** 2 + 1)
        raise UserError('%s: --max_memory %s is too little for this network and picture; it takes '
                        '%s' % (path, memory.show(max_memory), memory.show(needed)))
    return pixels


def halved(pixels, path):
    """Half a tile, for a device that had no memory for it; UserError where that is too small."""
    if pixels // 2 < SMALLEST_TILE ** 2:
        raise UserError('%s: the device has no memory for even a small tile; end what else runs on '
                        'it' % path)
    return pixels // 2
