"""Masks of regions: grey pictures that tell which share of each pixel a region has."""

import numpy as np
from PIL import Image

from resnet_in_tf.pictures.color import TO_YUV


def of_pixels(pixels, alpha=None):
    """The mask that a picture is: its lightness, and nothing where it is transparent.

    Args:
        pixels: uint8 [h, w, 3], RGB.
        alpha: uint8 [h, w] or None.

    Returns:
        uint8 [h, w], 255 inside the region.
    """
    grey = pixels.astype(np.float32) @ TO_YUV[0]
    if alpha is not None:
        grey *= alpha / np.float32(255)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


class Masks:
    """K - 1 masks; what they leave of a pixel is the last region's.

    Args:
        masks: list of uint8 [h, w], each of any size: it is stretched over the picture.
    """

    def __init__(self, masks):
        self.images = [Image.fromarray(mask) for mask in masks]

    def shares(self, height, width, rows=None):
        """The regions' shares of a picture's pixels; where masks overlap they are made to sum to one.

        Args:
            height, width: int, of the picture.
            rows: (start, stop) of those that are wanted; None for all.

        Returns:
            float32 [stop - start, width, K] that sums to one.
        """
        start, stop = rows or (0, height)
        shares = np.empty([stop - start, width, len(self.images) + 1], np.float32)
        for number, image in enumerate(self.images):
            scale = image.height / height
            part = image.resize((width, stop - start), Image.BILINEAR,
                                (0, start * scale, image.width, min(stop * scale, image.height)))
            shares[..., number] = np.asarray(part, np.float32) / 255
        total = shares[..., :-1].sum(2)
        shares[..., :-1] /= np.maximum(total, 1)[..., None]
        shares[..., -1] = np.maximum(1 - total, 0)
        return shares

    def tobytes(self):
        """What tells these masks from others: bytes."""
        return b''.join(b'%dx%d ' % image.size + image.tobytes() for image in self.images)


class MaskRows:
    """The shares of a picture of some size by rows, as tiles.rows has pictures; arguments as Masks.shares."""

    def __init__(self, masks, height, width):
        self.masks, self.height, self.width = masks, height, width

    def read(self, start, stop):
        """Rows of the shares: float32 [stop - start, W, K]."""
        return self.masks.shares(self.height, self.width, (start, stop))
