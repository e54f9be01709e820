"""Styles by region: what goes where a picture's style weights go, and what a network is fed of it."""

import collections

import numpy as np

from resnet_in_tf.network import interface

BY_REGION = ' by region'
SMALL_PIXELS = 160 ** 2  # of the small copy that is painted beside: a share of the work that is hardly seen

Fed = collections.namedtuple('Fed', 'style_weights feeds')
Fed.__doc__ = """What a network with regions is fed beside a picture or a tile of it.

Fields:
    style_weights: float32 [K, S], or [K, S + R].
    feeds: dict of further inputs' names -> float32.
"""


class Regions:
    """A style for each region of a picture.

    Args:
        style_weights: list of K arrays, float32 [S] or [S + R].
        masks: masks.Masks, of K - 1 masks: the last style is that of what they leave.
    """

    def __init__(self, style_weights, masks):
        longest = max(map(len, style_weights))  # without a row, one of zeros
        self.style_weights = np.stack([np.pad(weights, (0, longest - len(weights)), 'constant')
                                       for weights in style_weights]).astype(np.float32)
        self.masks = masks

    def fed(self, small, shares):
        """What a network is fed.

        Args:
            small: uint8 [h, w, 3], a reduced copy of the whole picture.
            shares: float32 [H, W, K], the shares of the pixels at hand; None where there are none.

        Returns:
            Fed.
        """
        feeds = {interface.SMALL_IMAGE: np.asarray(small, np.float32)[None],
                 interface.SMALL_REGIONS: self.masks.shares(*small.shape[:2])[None]}
        if shares is not None:
            feeds[interface.REGIONS] = shares[None]
        return Fed(self.style_weights, feeds)

    def tobytes(self):
        """What tells these from others: bytes."""
        return self.style_weights.tobytes() + self.masks.tobytes()


def kind(engine, style=None):
    """What tells the memory of a run: a key of memory.RUN_BYTES.

    Args:
        engine: str.
        style: float32 [S], or Regions.
    """
    return engine + BY_REGION if isinstance(style, Regions) else engine
