"""The photo that stands in where nobody has given one, and the thumbnails of styles that are made of it."""

import os

from resnet_in_tf import files
from resnet_in_tf.pictures import images

PATH = os.path.join(os.path.dirname(os.path.abspath(files.__file__)), 'server', 'static', 'sample.jpg')
SIDE = 224  # pixels a side of a thumbnail
QUALITY = 88  # of its JPEG


def photo():
    """A raccoon, the one on the server's page: uint8 [600, 800, 3]."""
    return images.read(PATH)


def square():
    """Its middle, as thumbnails of styles have it: uint8 [SIDE, SIDE, 3]."""
    return images.middle(photo(), SIDE)


def thumbnail(stylized):
    """A thumbnail's file: bytes of a JPEG of float32 [SIDE, SIDE, 3] in [0, 255]."""
    return images.encode(stylized, 'JPEG', QUALITY)
