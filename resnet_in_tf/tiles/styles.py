"""What a network is fed as style with each tile of a picture: the same for all, or its part of regions."""

import numpy as np

from resnet_in_tf.network.regions import SMALL_PIXELS, Regions
from resnet_in_tf.pictures.masks import MaskRows
from resnet_in_tf.tiles.rows import PaddedRows, reduced_copy


class TileStyles:
    """The style of a picture's tiles.

    Args:
        style: float32 [S], or Regions.
        source: MemorySource or its like, the picture.
    """

    def __init__(self, style, source):
        self.regions = style if isinstance(style, Regions) else None
        if self.regions is None:
            self.weights = np.asarray(style, np.float32)
        else:
            self.small = reduced_copy(source, SMALL_PIXELS)
            self.rows = PaddedRows(MaskRows(style.masks, source.height, source.width))

    def of_copy(self, copy):
        """Of a reduced copy of the whole picture, [h, w, 3]: style weights, or Fed."""
        if self.regions is None:
            return self.weights
        return self.regions.fed(self.small, self.regions.masks.shares(*copy.shape[:2]))

    def of_tile(self, tile):
        """Of a Tile of the padded picture: style weights, or Fed."""
        if self.regions is None:
            return self.weights
        return self.regions.fed(self.small, self.rows.read(tile.top, tile.bottom)[:, tile.left:tile.right])

    def of_none(self):
        """Where no pixels are at hand: style weights, or Fed."""
        return self.weights if self.regions is None else self.regions.fed(self.small, None)
