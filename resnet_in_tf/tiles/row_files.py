"""Picture files as rows: the best way in and out, and whether memory is enough for it."""

import contextlib

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import guards, images
from resnet_in_tf.tiles import exact as exact_mode
from resnet_in_tf.tiles import scratch, vips
from resnet_in_tf.tiles.large import SMALLEST_TILE, pixels_in
from resnet_in_tf.tiles.rows import MemorySink, SpooledSink, SpooledSource

SPOOL_BYTES = 4  # a pixel of a picture that lies in a temporary file
HELD_BYTES = 8  # a pixel of a result that stays in memory, and of the PIL image that is made of it
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
        with guards.open_file(path) as file:
            header, (width, height), _ = guards.open_picture(file, path)
        each = memory.decoding_bytes(header.format) + scratch.memory_bytes(SPOOL_BYTES)
        needed = memory.resident() + each * width * height
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


def tile_pixels(path, max_memory, channels, source, sink, exact=False, engine='tensorflow'):
    """How large a tile may be.

    Args:
        path: str, for the message.
        max_memory: int, bytes that the process may hold.
        channels: int, of the network's first layer.
        source, sink: as `open_source` and `open_sink` give them, open.
        exact: whether the features of the whole picture are kept.
        engine: what runs the tiles, a key of memory.RUN_BYTES.

    Returns:
        int, pixels with halo.

    Raises:
        UserError: less than the smallest tile, or too little to encode the result.
    """
    area, resident = source.width * source.height, memory.resident()
    # The result's rows are kept, too.
    spools = isinstance(source, SpooledSource) + isinstance(sink, SpooledSink)
    spooled = scratch.memory_bytes(SPOOL_BYTES * spools * area)
    if isinstance(sink, MemorySink):
        spooled += HELD_BYTES * area
    elif not isinstance(sink, vips.VipsSink):
        each = memory.encoding_bytes(images.format_of(sink.path), source.has_alpha)
        needed = resident + memory.SLACK + spooled + each * area
        if needed > max_memory:
            raise UserError('%s: encoding its result takes %s, more than --max_memory %s; JPEG, PNG and '
                            'TIFF are written row by row%s' % (
                                path, memory.show(needed), memory.show(max_memory),
                                '' if vips.library() else ' with pip install resnet_in_tf[large]'))
    features = scratch.memory_bytes(exact_mode.DISK_BYTES * channels * area) if exact else 0
    held = resident + BAND_BYTES * source.width + spooled + features
    pixels = pixels_in(max_memory - held, channels, engine)
    if pixels < SMALLEST_TILE ** 2:
        needed = held + memory.SLACK + memory.run_bytes(channels, engine) * (SMALLEST_TILE ** 2 + 1)
        where = ', %s of it for what --exact keeps in %s, which is memory: set TMPDIR to a disk' % (
            memory.show(features), scratch.folder()) if features else ''
        raise UserError('%s: --max_memory %s is too little for this network and picture; it takes %s%s'
                        % (path, memory.show(max_memory), memory.show(needed), where))
    return pixels


def halved(pixels, path):
    """Half a tile, for a device that had no memory for it; UserError where that is too small."""
    if pixels // 2 < SMALLEST_TILE ** 2:
        raise UserError('%s: the device has no memory for even a small tile; end what else runs on '
                        'it' % path)
    return pixels // 2
