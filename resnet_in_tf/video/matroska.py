"""Matroska (RFC 9559), as far as it takes to give encoded pictures other times and hand them on.

ffmpeg encodes each segment; what it wrote is read here picture by picture, and written as one stream in
which every picture has its time and duration in nanoseconds: finer than the time base of any film, so that
ffmpeg, which puts that stream into its container, rounds each back to exactly what the film had.
"""

import collections

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TIMESTAMP_SCALE, TIMESTAMP = 0x2AD7B1, 0xE7
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, BLOCK_DURATION, REFERENCE = 0xA3, 0xA0, 0xA1, 0x9B, 0xFB
DOC_TYPE = 0x4282
UNKNOWN = b'\x01' + b'\xff' * 7  # the size of what ends with the stream
INSIDE = (SEGMENT, CLUSTER, BLOCK_GROUP)  # elements that are entered
WANTED = (TRACKS, SIMPLE_BLOCK, BLOCK)
SECOND = 10 ** 9

Picture = collections.namedtuple('Picture', 'data is_key')


def read(file):
    """Reads a file that ffmpeg wrote, with one track.

    Args:
        file: binary file at its start.

    Yields:
        First the element of tracks, bytes as they stand; then a Picture for each encoded picture.

    Raises:
        ValueError: the file is not such a one, or is cut short.
    """
    is_first, key = True, True
    for kind, whole in elements(file):
        if is_first and kind != EBML:
            raise ValueError('no Matroska')
        is_first = False
        if kind == TRACKS:
            yield whole
        elif kind in (SIMPLE_BLOCK, BLOCK):
            body = whole[header_size(whole):]
            # A block: the track in one byte, two of time, flags; then the picture.
            key = bool(body[3] & 0x80) if kind == SIMPLE_BLOCK else False
            yield Picture(body[4:], key)


def elements(file):
    """Yields (kind, bytes with header) of each element that matters; others are passed over unread."""
    while True:
        kind, head = number(file, keep_mark=True)
        if kind is None:
            return
        size, more = number(file)
        if size is None:
            raise ValueError('cut short')
        head += more
        if kind in INSIDE:
            continue
        if kind in WANTED:
            body = file.read(size)
            if len(body) != size:
                raise ValueError('cut short')
            yield kind, head + body
        else:
            file.seek(size, 1)
            if kind == EBML:
                yield kind, head


def number(file, keep_mark=False):
    """A number of variable length: (its value, its bytes); (None, b'') at the end of the file."""
    first = file.read(1)
    if not first:
        return None, b''
    length = 9 - first[0].bit_length()
    if length > 8:
        raise ValueError('no Matroska')
    rest = file.read(length - 1)
    if len(rest) != length - 1:
        raise ValueError('cut short')
    value = int.from_bytes(first + rest, 'big')
    return (value if keep_mark else value & ((1 << 7 * length) - 1)), first + rest


def header_size(whole):
    """Bytes of an element's kind and size."""
    kind = 9 - whole[0].bit_length()
    return kind + 9 - whole[kind].bit_length()


def element(kind, body):
    """An element: bytes."""
    name = kind.to_bytes((kind.bit_length() + 7) // 8, 'big')
    return name + (len(body) | 1 << 56).to_bytes(8, 'big') + body


def unsigned(kind, value):
    """An element that holds a number."""
    return element(kind, value.to_bytes(8, 'big'))


def stream_head(tracks):
    """The beginning of a stream, with times in nanoseconds: bytes.

    Args:
        tracks: bytes, the element as `read` gives it.
    """
    head = element(EBML, element(DOC_TYPE, b'matroska'))
    return (head + SEGMENT.to_bytes(4, 'big') + UNKNOWN
            + element(INFO, unsigned(TIMESTAMP_SCALE, 1)) + tracks)


def timed(picture, start, duration):
    """A picture with its time, both in nanoseconds from 0 up: bytes."""
    block = element(BLOCK, b'\x81\x00\x00\x00' + picture.data)
    block += unsigned(BLOCK_DURATION, duration)
    if not picture.is_key:
        block += element(REFERENCE, b'\xff')
    return element(CLUSTER, unsigned(TIMESTAMP, start) + element(BLOCK_GROUP, block))
