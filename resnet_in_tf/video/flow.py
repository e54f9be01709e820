"""Optical flow: where each pixel of a frame is in another, and what of it can be seen there."""

import functools

import numpy as np

from resnet_in_tf.errors import UserError

SMALLEST = 16  # pixels a side that DIS takes; less is brought to it by repeating the edge


@functools.lru_cache(maxsize=None)
def opencv():
    """OpenCV, on one thread: its flow depends on how many there are, and a film must not.

    Raises:
        UserError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise UserError("optical flow needs OpenCV: pip install 'resnet_in_tf[video]' brings it (%s)"
                        % error) from error
    cv2.setNumThreads(1)
    return cv2


class Flow:
    """Measures flow by dense inverse search (Kroeger et al. 2016)."""

    def __init__(self):
        cv2 = opencv()
        self.search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def __call__(self, one, other):
        """The flow from one frame to another.

        Args:
            one, other: uint8 [H, W, 3] RGB.

        Returns:
            float32 [H, W, 2]: what is at (x, y) in `one` is at (x, y) + flow in `other`.
        """
        cv2 = opencv()
        height, width = one.shape[:2]
        down, right = max(0, SMALLEST - height), max(0, SMALLEST - width)
        greys = [cv2.copyMakeBorder(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY),
                                    0, down, 0, right, cv2.BORDER_REPLICATE) for frame in (one, other)]
        return np.ascontiguousarray(self.search.calc(greys[0], greys[1], None)[:height, :width])


def targets(flow):
    """Where a flow leads: float32 [H, W] columns, and the same of rows."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return columns + flow[..., 0], rows + flow[..., 1]


def warp(values, flow):
    """Brings a frame along a flow.

    Args:
        values: uint8 or float32 [H, W] or [H, W, C], of the frame that the flow leads to.
        flow: float32 [H, W, 2].

    Returns:
        The same shape and dtype, at the places of the frame that the flow comes from: cubic between
        pixels, the edge's beyond it.
    """
    cv2 = opencv()
    columns, rows = targets(flow)
    return cv2.remap(values, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def inside(flow):
    """Whether what is at a pixel stays within the frame: bool [H, W]."""
    height, width = flow.shape[:2]
    columns, rows = targets(flow)
    return (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)


def length(flow):
    """How far a flow leads: float32 [H, W], pixels."""
    return opencv().magnitude(flow[..., 0], flow[..., 1])


def steepness(flow):
    """How steep a flow is for its length: float32 [H, W], 1 and more at the edge of what moves."""
    cv2 = opencv()
    steps = [cv2.Sobel(flow, -1, *along, ksize=1, scale=0.5) for along in ((1, 0), (0, 1))]  # [H, W, 2] each
    squares = sum(np.square(length(each)) for each in steps)
    return squares / (0.01 * np.square(length(flow)) + 0.002)


def visible(flow, back):
    """What of a frame is seen in another: neither hidden nor outside, nor at the edge of what moves.

    Flow there and back must end where it began (Sundaram et al. 2010), as Ruder et al. 2016 check it.

    Args:
        flow, back: float32 [H, W, 2], from the frame to the other, and from the other to it.

    Returns:
        bool [H, W].
    """
    returned = warp(back, flow)
    lengths = np.square(length(flow)) + np.square(length(returned))
    agrees = np.square(length(flow + returned)) < 0.01 * lengths + 0.5
    return inside(flow) & agrees & (steepness(flow) < 1)
