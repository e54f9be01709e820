"""Any picture as a style: the rows that a network's style predictor makes, each made once."""

import hashlib
import os
import threading

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.files import cache_folder
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.errors import refusal
from resnet_in_tf.pictures.guards import open_file, open_picture
from resnet_in_tf.restyling import kept_rows
from resnet_in_tf.training import config
from resnet_in_tf.training.paintings import read_painting, reduced

LEAST_DEVIATION = 2.0  # of 255: below it, a painting is one colour with noise
MOST_ROWS = 256  # that are kept: 13 KB each
BLOCK = 2 ** 20  # bytes of a file that are read in one go


class StyleImages:
    """Makes rows from pictures, and keeps them by what is in their files; several threads may ask at once.

    Args:
        predict: function of float32 [H, W, 3] in [0, 255] that gives a row, float32 [R].
        card: dict, of the network; it tells at which size it has seen paintings.
        checksum: function that gives what tells this predictor from another, str; None keeps no row on disk.
        max_memory: int, bytes that the process may hold while it makes a row; None does not ask.

    Attributes:
        size: int, the long side in pixels that larger paintings are brought to.
    """

    def __init__(self, predict, card, checksum=None, max_memory=None):
        self.predict, self.checksum, self.max_memory = predict, checksum, max_memory
        self.rows, self.lock = {}, threading.Lock()
        self.size = style_size(card)

    def painting(self, path):
        """A picture as the network has seen paintings: uint8 [H, W, 3]; PictureError as in `row`."""
        return read_painting(path, self.size)

    def row(self, path):
        """The row of a picture's file: float32 [R].

        Raises:
            PictureError: the file is missing, or no picture, or the device has no memory for it.
        """
        with open_file(path) as file:
            try:
                return self.row_of(file, path)
            except MemoryError:
                raise refusal(path, 'not enough memory to make a style of it; end what else runs') from None

    def row_of(self, file, name, formats=None, max_pixels=images.MAX_PIXELS):
        """The row of a picture in an open file: float32 [R].

        Args:
            file: binary file that can seek.
            name, formats, max_pixels: as in images.decode.

        Raises:
            PictureError: it is no picture, a larger one, or one colour all over; or decoding it, or making a
                row of it, takes more than `max_memory`.
        """
        # Before what is none is read to its end.
        header, (width, height), _ = open_picture(file, name, formats, max_pixels)
        key = digest(file)
        with self.lock:
            if key in self.rows:
                self.rows[key] = self.rows.pop(key)  # last: the one that was not asked for longest goes
                return self.rows[key]

        def make():
            if self.max_memory:
                self.require(name, width * height * memory.decoding_bytes(header.format),
                             'decoding it')
            painting = images.decode(file, name, formats, max_pixels=max_pixels)
            return self.made(name, reduced(painting, self.size))

        row = make() if self.checksum is None else kept_rows.row(
            os.path.join(cache_folder(), 'styles'), self.checksum(), '%s %d' % (key, self.size), make)
        with self.lock:
            while len(self.rows) >= MOST_ROWS:
                self.rows.pop(next(iter(self.rows)))
            self.rows[key] = row
        return row

    def made(self, name, painting):
        """The row that the predictor makes of uint8 [H, W, 3]; arguments and errors as in `row_of`."""
        if painting.reshape(-1, 3).std(axis=0).max() < LEAST_DEVIATION:  # no photo could be seen in it
            raise refusal(name, 'is one colour all over; a style needs two or more')
        height, width = painting.shape[:2]
        self.require(name, height * width * memory.PREDICTOR_BYTES, 'making a style of it')
        row = self.predict(painting.astype(np.float32))
        memory.trim()
        return row

    def require(self, name, needed, what):
        """Raises PictureError where so many more bytes are more than the process may hold."""
        needed += memory.resident()
        if self.max_memory and needed > self.max_memory:
            raise refusal(name, '%s takes %s, more than --max_memory %s' % (
                what, memory.show(needed), memory.show(self.max_memory)))

    def has_row_of(self, file):
        """Whether the row of the picture in an open file is there already."""
        return digest(file) in self.rows


def style_size(card):
    """The size in pixels at which a network has seen paintings, by its card, a dict from a file."""
    training = card.get('training')
    size = training.get('style_size') if isinstance(training, dict) else None
    setting = config.BY_NAME['style_size']
    return size if isinstance(size, int) and setting.least <= size <= setting.most else setting.default


def digest(file):
    """What tells one file's bytes from another's: str."""
    found = hashlib.sha256()
    file.seek(0)
    for block in iter(lambda: file.read(BLOCK), b''):
        found.update(block)
    return found.hexdigest()


def image_name(text):
    """What 'some/a.jpg:0.7' is called: 'a'."""
    return os.path.splitext(os.path.basename(parse_image(text)[0]))[0]


def parse_image(text):
    """Reads 'a.jpg' or 'a.jpg:0.7': (path, weight), 1.0 where there is none.

    Raises:
        UserError: what stands behind the colon is no weight.
    """
    path, colon, amount = text.rpartition(':')
    if os.path.exists(text) or not colon:
        return text, 1.0
    try:
        value = float(amount)
    except ValueError:
        value = -1.0
    if 0 <= value <= 1e6:
        return path, value
    if os.path.exists(path):
        raise UserError('--style_image %s: the weight must be a number from 0 up, as in %s:0.5'
                        % (text, path))
    return text, 1.0
