"""Any picture as a style: the rows that a network's style predictor makes, each made once."""

import hashlib
import os

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.training.paintings import read_painting

STYLE_SIZE = 512  # longest side of a painting, where the card does not tell
MOST_ROWS = 256  # that are kept: 13 KB each


class StyleImages:
    """Makes rows from files of pictures, and keeps them by what is in the pictures.

    Args:
        predict: function of float32 [H, W, 3] in [0, 255] that gives a row, float32 [R].
        card: dict, of the network; it tells at which size it has seen paintings.
    """

    def __init__(self, predict, card):
        self.predict, self.rows = predict, {}
        self.size = card.get('training', {}).get('style_size', STYLE_SIZE)

    def row(self, path):
        """A picture's row: float32 [R].

        Raises:
            PictureError: the file is missing, or no picture.
        """
        painting = read_painting(path, self.size)
        key = hashlib.sha256(repr(painting.shape).encode() + painting.tobytes()).digest()
        if key not in self.rows:
            if len(self.rows) >= MOST_ROWS:
                self.rows.pop(next(iter(self.rows)))
            self.rows[key] = self.predict(painting.astype(np.float32))
        return self.rows[key]


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
