"""Picture files less what decoding has no use for, and the orientation that they tell.

Pillow reads all that a file says of itself before the first pixel, whatever that takes: tags that all
point at one place, a million empty parts. So the container is walked here, within bounds, and
Pillow gets a view of the parts that hold the picture.
"""

import io
import re
import struct

from resnet_in_tf.pictures.errors import refusal

PARTS = 10000  # chunks, segments or tags; and one more for each PART_BYTES of the file
PART_BYTES = 1024
SCANS = 100  # of a progressive JPEG; encoders write about 10
SCANNED = 16  # times the largest picture that is allowed: all scans' pixels together
TAG_BYTES = 16 * 1024 ** 2  # of one TIFF tag; colour profiles are the largest that are kept
STRIPS = 200000  # strips or tiles of a TIFF

ORIENTATION = 0x0112  # tag number in EXIF and TIFF

_PNG_KEPT = (b'IHDR', b'PLTE', b'tRNS', b'iCCP', b'IDAT', b'IEND')
_JPEG_ALONE = (0x00, 0x01) + tuple(range(0xd0, 0xd9))  # markers without a length
_JPEG_KEPT = {0xe0: b'JFIF', 0xe2: b'ICC_PROFILE', 0xee: b'Adobe'}  # of what is beyond the tables
_JPEG_FRAMES = tuple(n for n in range(0xc0, 0xd0) if n not in (0xc4, 0xc8, 0xcc))
_JPEG_MARKER = re.compile(b'\xff[^\x00\xff\xd0-\xd7]', re.DOTALL)
_TIFF_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_TIFF_PLACES = (273, 279, 324, 325)  # of strips and tiles, and their sizes
_TIFF_KEPT = _TIFF_PLACES + (
    254, 255, 256, 257, 258, 259, 262, 266, 274, 277, 278, 282, 283, 284, 292, 293, 296, 297, 317, 318, 319,
    320, 322, 323, 332, 334, 338, 339, 347, 529, 530, 531, 532, 34675,
    512, 513, 514, 515, 517, 518, 519, 520, 521)  # the last: JPEG as TIFF 6.0 had it


def without_metadata(file, name, format_, max_pixels):
    """Walks a picture file, and leaves out what says nothing of its pixels.

    Args:
        file: binary file that can seek.
        name: str for messages.
        format_: str, a name out of guards.FORMATS.
        max_pixels: int, the largest picture that is allowed.

    Returns:
        (binary file to be decoded; EXIF orientation 1 to 8. A TIFF keeps its own).

    Raises:
        PictureError: more parts, scans or values than any picture has.
    """
    walk = {'JPEG': _jpeg, 'PNG': _png, 'WEBP': _webp, 'TIFF': _tiff, 'GIF': _gif}.get(format_)
    if walk is None:
        file.seek(0)
        return file, 1
    parts = _Parts(file, name)
    orientation = walk(parts, max_pixels)
    view = io.BufferedReader(View(file, parts.pieces), 65536)
    return view, orientation if orientation in range(1, 9) else 1


class View(io.RawIOBase):
    """Pieces of a file, one behind the other.

    Args:
        file: binary file that can seek.
        pieces: list of bytes, or of (start, stop) in the file.
    """

    def __init__(self, file, pieces):
        super().__init__()
        self.file, self.pieces, self.position = file, [], 0
        length = 0
        for piece in pieces:
            self.pieces.append((length, piece))
            length += len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
        self.length = length
        self.at = 0  # the piece that was read last

    def readable(self):
        """True."""
        return True

    def seekable(self):
        """True."""
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        """Goes to a place in the view."""
        self.position = max(0, offset + {0: 0, 1: self.position, 2: self.length}[whence])
        return self.position

    def tell(self):
        """The place in the view."""
        return self.position

    def readinto(self, buffer):
        """Reads up to the end of a piece."""
        if self.position >= self.length:
            return 0
        if self.pieces[self.at][0] > self.position:
            self.at = 0
        while self.at + 1 < len(self.pieces) and self.pieces[self.at + 1][0] <= self.position:
            self.at += 1
        start, piece = self.pieces[self.at]
        inside = self.position - start
        if isinstance(piece, bytes):
            data = piece[inside:inside + len(buffer)]
        else:
            self.file.seek(piece[0] + inside)
            data = self.file.read(min(len(buffer), piece[1] - piece[0] - inside))
        buffer[:len(data)] = data
        self.position += len(data)
        return len(data)


class _Parts:
    """A file that is walked part by part, and the pieces that are kept."""

    def __init__(self, file, name):
        self.file, self.name, self.pieces, self.seen = file, name, [], 0
        self.size = file.seek(0, io.SEEK_END)

    def read(self, position, length):
        self.file.seek(position)
        return self.file.read(length)

    def count(self):
        self.seen += 1
        if self.seen > PARTS + self.size // PART_BYTES:
            raise refusal(self.name, 'the file has more than {} parts, refused before decoding'.format(
                self.seen - 1))

    def keep(self, start, stop=None):
        stop = self.size if stop is None else min(stop, self.size)
        if self.pieces and self.pieces[-1][1] == start:
            start = self.pieces.pop()[0]
        self.pieces.append((start, stop))


def exif_orientation(read, length):
    """The orientation that an EXIF block tells; nothing else of it is read.

    Args:
        read: function of a position in the block and a length, to bytes.
        length: int, of the block.

    Returns:
        int as it stands there, or 1.
    """
    base = 6 if read(0, 6) == b'Exif\0\0' else 0
    head = read(base, 8)
    order = {b'II': '<', b'MM': '>'}.get(head[:2])
    if len(head) < 8 or not order:
        return 1
    start = base + struct.unpack(order + 'I', head[4:])[0]
    count = read(start, 2) if start + 2 <= length else b''
    if len(count) < 2:
        return 1
    count = min(struct.unpack(order + 'H', count)[0], (length - start - 2) // 12)
    entries = read(start + 2, 12 * count)
    for tag, type_, number, value in struct.iter_unpack(order + 'HHI4s', entries[:len(entries) // 12 * 12]):
        if tag == ORIENTATION and number == 1 and type_ in (3, 4):
            return struct.unpack(order + ('H' if type_ == 3 else 'I'), value[:2 if type_ == 3 else 4])[0]
    return 1


def _exif_at(parts, start, length):
    length = max(0, min(length, parts.size - start))
    return exif_orientation(
        lambda position, size: parts.read(start + position, max(0, min(size, length - position))), length)


def _png(parts, max_pixels):
    orientation, position = None, 8
    parts.keep(0, 8)
    while position + 8 <= parts.size:
        parts.count()
        length, kind = struct.unpack('>I4s', parts.read(position, 8))
        stop = position + 12 + length
        if kind in _PNG_KEPT:
            parts.keep(position, stop)
        elif kind == b'eXIf' and orientation is None:
            orientation = _exif_at(parts, position + 8, length)
        elif not kind.isalpha():  # damaged, which the decoder says better
            parts.keep(position)
            break
        if kind == b'IEND':
            break
        position = stop
    return orientation


def _gif(parts, max_pixels):
    flags = parts.read(10, 1)[0]
    position = 13 + (6 << (flags & 7) if flags & 0x80 else 0)  # behind the colours
    parts.keep(0, position)
    while parts.read(position, 1) == b'!':
        parts.count()
        kind, stop = parts.read(position + 1, 1), position + 2
        length = parts.read(stop, 1)
        while length and length[0]:
            if length[0] < 255:
                parts.count()
            stop += 1 + length[0]
            length = parts.read(stop, 1)
        if kind == b'\xf9':  # transparency; comments and programs' own data go
            parts.keep(position, stop + 1)
        position = stop + 1
    if position < parts.size:
        parts.keep(position)


def _webp(parts, max_pixels):
    position, orientation = 12, None
    while position + 8 <= parts.size and orientation is None:
        parts.count()
        kind, length = struct.unpack('<4sI', parts.read(position, 8))
        if kind == b'EXIF':
            orientation = _exif_at(parts, position + 8, length)
        position += 8 + length + length % 2
    parts.keep(0)  # its decoder takes the file whole, and looks into none of this
    return orientation


def _jpeg(parts, max_pixels):
    orientation, position, frame = None, 2, None
    parts.keep(0, 2)
    while position + 4 <= parts.size:
        parts.count()
        head = parts.read(position, 22)
        marker = head[1]
        if head[0] != 0xff or marker == 0xff:  # filled up
            position += 1
            continue
        if marker in _JPEG_ALONE:
            position += 2
            continue
        stop = position + 2 + struct.unpack('>H', head[2:4])[0]
        if marker in (0xd9, 0xda) or stop < position + 4:
            break
        if marker == 0xe1 and orientation is None and head[4:10] == b'Exif\0\0':
            orientation = _exif_at(parts, position + 4, stop - position - 4)
        if marker in _JPEG_FRAMES and len(head) > 9:
            frame = (marker,) + struct.unpack('>HHB', head[5:10])
        if marker < 0xe0 or marker in _JPEG_KEPT and head[4:].startswith(_JPEG_KEPT[marker]):
            parts.keep(position, stop)
        position = stop
    parts.keep(position)
    if frame:
        marker, height, width, channels = frame
        scanned = parts.read(position + 4, 1)[:1]
        if marker & 3 == 2 or scanned != bytes([channels]):
            _check_scans(parts, position, width * height, max_pixels)
    return orientation


def _check_scans(parts, position, pixels, max_pixels):
    """Counts the scans of a JPEG, each of which the decoder takes the whole picture for."""
    scans = 0
    while position + 4 <= parts.size:
        data = parts.read(position, 65536)
        found = _JPEG_MARKER.search(data)
        if not found:
            position += len(data) - 1  # a marker may begin with the last byte
            continue
        parts.count()
        position += found.start()
        marker = data[found.start() + 1]
        if marker == 0xd9:
            return
        scans += marker == 0xda
        if scans > SCANS or scans * pixels > SCANNED * max_pixels:
            raise refusal(parts.name, 'a JPEG of {} and more scans, refused before decoding; save it '
                                      'anew'.format(scans))
        length = parts.read(position + 2, 2)
        position += 2 + (struct.unpack('>H', length)[0] if len(length) == 2 else 0)


def _tiff(parts, max_pixels):
    head = parts.read(0, 16)
    order = {b'II': '<', b'MM': '>'}[head[:2]]
    big = 43 in (head[2], head[3])
    number, entry, word = ('Q', 'HHQ8s', 'Q') if big else ('H', 'HHI4s', 'I')
    start = struct.unpack(order + word, head[8:16] if big else head[4:8])[0]
    size = struct.calcsize('=' + entry)
    first = start + struct.calcsize('=' + number)
    count = parts.read(start, first - start)
    if start >= parts.size or len(count) < first - start:
        parts.keep(0)
        return None
    count = struct.unpack(order + number, count)[0]
    if count > PARTS:
        raise refusal(parts.name, 'a TIFF of {} tags, refused before decoding'.format(count))
    data = parts.read(first, count * size)
    kept = {}
    for tag, type_, values, value in struct.iter_unpack(order + entry, data[:len(data) // size * size]):
        if tag in _TIFF_KEPT:
            length = values * _TIFF_UNITS.get(type_, 8)
            if tag in _TIFF_PLACES and values > STRIPS or length > TAG_BYTES:
                raise refusal(parts.name, 'a TIFF with {} values of tag {}, refused before decoding'.format(
                    values, tag))
            kept[tag] = struct.pack(order + entry, tag, type_, values, value)
    directory = struct.pack(order + number, len(kept)) + b''.join(kept[tag] for tag in sorted(kept))
    directory += bytes(struct.calcsize('=' + word))  # no second page
    stop = min(first + count * size + struct.calcsize('=' + word), max(parts.size, start + len(directory)))
    directory += bytes(max(0, stop - start - len(directory)))
    parts.pieces = [(0, start), directory] + ([(start + len(directory), parts.size)]
                                              if start + len(directory) < parts.size else [])
    return None
