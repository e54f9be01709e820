"""Pictures by rows: where they come from, where they go, and a reduced copy made on the way."""

import math
import os

import numpy as np
from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.resized import Pixels
from resnet_in_tf.tiles import grid as grids
from resnet_in_tf.tiles import scratch


class MemorySource(Pixels):
    """A decoded picture.

    Args:
        pixels: uint8 [H, W, 3].
        alpha: uint8 [H, W] or None.
    """

    def __init__(self, pixels, alpha=None):
        super().__init__(pixels)
        self.alpha, self.has_alpha = alpha, alpha is not None

    def read_alpha(self, start, stop):
        """Rows of its transparency: uint8 [stop - start, W], or None."""
        return None if self.alpha is None else self.alpha[start:stop]

    def close(self):
        """Nothing is held."""


class Spool:
    """Rows in a file without a name, so that it never outlives the process.

    Args:
        width, channels: int.
    """

    def __init__(self, width, channels):
        self.shape, self.size = (width, channels), width * channels
        self.file = scratch.file()

    def append(self, rows):
        """Takes the next rows: uint8 [h, W, C]."""
        try:
            self.file.seek(0, os.SEEK_END)
            self.file.write(np.ascontiguousarray(rows))
        except OSError as error:
            raise UserError('no room for pixels in %s (%s); free some, or set TMPDIR to a larger '
                            'disk' % (scratch.folder(), error.strerror)) from error

    def read(self, start, stop):
        """Rows that were taken: uint8 [stop - start, W, C]."""
        rows = np.empty((stop - start,) + self.shape, np.uint8)
        self.file.seek(start * self.size)
        self.file.readinto(rows.reshape(-1))
        return rows

    def clear(self):
        """Forgets all rows."""
        self.file.seek(0)
        self.file.truncate()

    def close(self):
        """Gives the disk back."""
        self.file.close()


class SpooledSource:
    """A picture file that can only be decoded whole: it is, and then lies on disk.

    Args:
        path: str.

    Raises:
        PictureError: as images.read.
    """

    def __init__(self, path):
        pixels, alpha = images.read_rgba(path)
        self.height, self.width = pixels.shape[:2]
        self.has_alpha = alpha is not None
        self.pixels, self.alpha = Spool(self.width, 3), Spool(self.width, 1)
        self.pixels.append(pixels)
        if self.has_alpha:
            self.alpha.append(alpha[..., None])

    def read(self, start, stop):
        """Rows of the picture: uint8 [stop - start, W, 3]."""
        return self.pixels.read(start, stop)

    def read_alpha(self, start, stop):
        """Rows of its transparency: uint8 [stop - start, W], or None."""
        return self.alpha.read(start, stop)[..., 0] if self.has_alpha else None

    def close(self):
        """Gives the disk back."""
        self.pixels.close()
        self.alpha.close()


class SpooledSink:
    """Collects rows on disk; the file is encoded whole when all are there.

    Args:
        path: str, the format is that of its extension.
        width: int.
        has_alpha: bool.
        quality: int, of JPEG and WebP.
    """

    def __init__(self, path, width, has_alpha, quality):
        self.path, self.has_alpha, self.quality, self.height = path, has_alpha, quality, 0
        self.spool = Spool(width, 4 if has_alpha else 3)

    def write(self, pixels, alpha):
        """Takes the next rows: uint8 [h, W, 3], and uint8 [h, W] or None."""
        self.height += len(pixels)
        self.spool.append(np.dstack([pixels, alpha]) if self.has_alpha else pixels)

    def restart(self):
        """Forgets the rows."""
        self.spool.clear()
        self.height = 0

    def finish(self):
        """Writes the file, whole or not at all."""
        rows = self.spool.read(0, self.height)
        if self.has_alpha:
            images.write(self.path, rows[..., :3].copy(), self.quality, rows[..., 3].copy())
        else:
            images.write(self.path, rows, self.quality)

    def close(self):
        """Gives the disk back; without `finish` no file comes of it."""
        self.spool.close()


class MemorySink:
    """Collects rows in memory.

    Args:
        height, width: int.
        has_alpha: bool.

    Attributes:
        pixels, alpha: uint8 [H, W, 3], and uint8 [H, W] or None; whole once all rows are there.
    """

    def __init__(self, height, width, has_alpha):
        self.pixels = np.empty([height, width, 3], np.uint8)
        self.alpha = np.empty([height, width], np.uint8) if has_alpha else None
        self.height = 0

    def write(self, pixels, alpha):
        """Takes the next rows: uint8 [h, W, 3], and uint8 [h, W] or None."""
        rows = slice(self.height, self.height + len(pixels))
        self.pixels[rows], self.height = pixels, rows.stop
        if self.alpha is not None:
            self.alpha[rows] = alpha

    def restart(self):
        """Forgets the rows."""
        self.height = 0

    def finish(self):
        """Nothing is left to do."""

    def close(self):
        """The rows stay."""


class PaddedRows:
    """A picture's rows once it is padded to the network's grid as `generator.pad_to_grid` does.

    Args:
        source: MemorySource or its like.

    Attributes:
        height, width: int, of the padded picture.
        top, left: int, where in it the picture starts.
    """

    def __init__(self, source):
        self.source = source
        self.rows, self.top = grids.padded(source.height)
        self.columns, self.left = grids.padded(source.width)
        self.height, self.width = len(self.rows), len(self.columns)

    def read(self, start, stop):
        """Rows of the padded picture: uint8 [stop - start, W', 3]."""
        wanted = self.rows[start:stop]
        first, last = int(wanted.min()), int(wanted.max()) + 1
        block = self.source.read(first, last)
        if last - first != stop - start or np.any(np.diff(wanted) != 1):
            block = block[wanted - first]
        return block if self.width == self.source.width else block[:, self.columns]


def reduced_copy(source, max_pixels, band=256):
    """A smaller copy of a picture, antialiased, that never has the picture in memory.

    Args:
        source: MemorySource or its like.
        max_pixels: int, the copy's most.
        band: int, rows that are read at a time, about.

    Returns:
        uint8 [h, w, 3].
    """
    factor = math.sqrt(source.height * source.width / max_pixels)
    if factor <= 1:
        return source.read(0, source.height)
    whole = max(1, int(factor / 2))  # means over blocks, then a triangle filter for the last 2 to 4
    step = -(-band // whole) * whole
    blocks = [np.asarray(Image.fromarray(source.read(start, min(start + step, source.height)))
                         .reduce(whole)) for start in range(0, source.height, step)]
    copy = np.concatenate(blocks)
    height, width = [max(1, int(length / factor)) for length in (source.height, source.width)]
    # Lanczos is sharper than a photo is at full size: the triangle's statistics are 1 dB nearer.
    return np.asarray(Image.fromarray(copy).resize((width, height), Image.BILINEAR))
