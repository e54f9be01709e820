"""Any picture as a style: the rows that a network's style predictor makes, each made once.

They are kept in memory, and on disk for the next program.
"""

import hashlib
import os

import numpy as np

from resnet_in_tf import memory
from resnet_in_tf.errors import UserError
from resnet_in_tf.files import cache_folder
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import kept_rows
from resnet_in_tf.training.paintings import read_painting

STYLE_SIZE = 512  # longest side of a painting, where the card does not tell
LEAST_DEVIATION = 2.0  # of 255: below it, a painting is one colour with noise
MOST_ROWS = 256  # that are kept: 13 KB each


class StyleImages:
    """Makes rows from files of pictures, and keeps them by what is in the pictures.

    Args:
        predict: function of float32 [H, W, 3] in [0, 255] that gives a row, float32 [R].
        card: dict, of the network; it tells at which size it has seen paintings.
        checksum: function that gives what tells this predictor from another, str; None keeps no row on disk.
        max_memory: int, bytes that the process may hold while it makes a row; None does not ask.
    """

    def __init__(self, predict, card, checksum=None, max_memory=None):
        self.predict, self.checksum, self.max_memory, self.rows = predict, checksum, max_memory, {}
        self.size = card.get('training', {}).get('style_size', STYLE_SIZE)

    def row(self, path):
        """A picture's row: float32 [R].

        Raises:
            PictureError: the file is missing, or no picture.
            UserError: it is one colour all over; or decoding it, or making a row of it, takes more than
                `max_memory`.
        """
        if self.max_memory:
            width, height = images.check(path)
            self.require(path, width * height * memory.decoding_bytes(images.format_of(path)), 'decoding it')
        painting = read_painting(path, self.size)
        key = hashlib.sha256(repr(painting.shape).encode() + painting.tobytes()).hexdigest()
        if key not in self.rows:
            if len(self.rows) >= MOST_ROWS:
                self.rows.pop(next(iter(self.rows)))
            self.rows[key] = self.kept(key, lambda: self.made(path, painting))
        return self.rows[key]

    def made(self, path, painting):
        """The row that the predictor makes of uint8 [H, W, 3]."""
        if painting.reshape(-1, 3).std(axis=0).max() < LEAST_DEVIATION:  # no photo could be seen in it
            raise UserError('--style_image %s: is one colour all over; a style needs two or more' % path)
        height, width = painting.shape[:2]
        self.require(path, height * width * memory.PREDICTOR_BYTES, 'making a style of it')
        row = self.predict(painting.astype(np.float32))
        memory.trim()
        return row

    def require(self, path, needed, what):
        """Raises UserError where so many more bytes are more than the process may hold."""
        needed += memory.resident()
        if self.max_memory and needed > self.max_memory:
            raise UserError('--style_image %s: %s takes %s, more than --max_memory %s' % (
                path, what, memory.show(needed), memory.show(self.max_memory)))

    def kept(self, key, make):
        """The row of a painting with that checksum, from disk where it is there, else what `make` gives."""
        if self.checksum is None:
            return make()
        return kept_rows.row(os.path.join(cache_folder(), 'styles'), self.checksum(), key, make)


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
