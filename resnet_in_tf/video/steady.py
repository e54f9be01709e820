"""Frames that follow each other look alike: each is blended with the last result, brought along the flow.

What the network makes of a frame changes with every grain of noise, and much more than the frame did. Where
the last frame, brought along the flow, is what the new frame shows, the last result is brought along, too,
and most of it is kept. Elsewhere (what was hidden, what changed its light, a new shot) the new one is taken.
"""

import numpy as np

from resnet_in_tf.video import flow as flows

KEEP = 0.9  # most of the last result that is kept
BROAD, BROAD_KEEP = 31, 0.5  # pixels a side: what differs over so many, such as light, follows sooner
# Up to the first of each all is kept, from the second on nothing: how frames differ along the flow, of 255,
# how far the flow there and back ends from where it began, in pixels and beyond a share of its length, and
# how steep it is (flow.steepness). What is flat shows no difference where something beside it moves and takes
# the flow along.
ALIKE, RETURNS, STEEP = (10.0, 30.0), (0.5, 1.5), (2.0, 6.0)
ASTRAY = 0.1  # of its length: fast motion is measured less finely
AROUND = 5  # pixels a side over which differences are averaged: noise is no change
MEAN = np.full([1, 3], 1 / 3.0, np.float32)  # of three colours


class Blend:
    """Blends results; UserError where OpenCV is missing."""

    def __init__(self):
        self.flow = flows.Flow()

    def __call__(self, frame, painted, last_frame, last_painted):
        """Blends the result of a frame with that of the frame before.

        Args:
            frame, last_frame: uint8 [H, W, 3], the film's own.
            painted: uint8 [H, W, 3], what the network made of `frame`.
            last_painted: uint8 [H, W, 3], what this gave for `last_frame`.

        Returns:
            uint8 [H, W, 3].
        """
        back, there = self.flow(frame, last_frame), self.flow(last_frame, frame)
        share = KEEP * trust(frame, flows.warp(last_frame, back), back, there)[..., None]
        cv2 = flows.opencv()
        apart = cv2.subtract(flows.warp(last_painted, back), painted, dtype=cv2.CV_32F)
        apart -= (1 - BROAD_KEEP) * cv2.blur(apart, (BROAD, BROAD))
        apart *= share
        return cv2.add(painted, apart, dtype=cv2.CV_8U)  # rounds, and stays in [0, 255]


def trust(frame, brought, back, there):
    """How far a frame is the last one brought along.

    Args:
        frame, brought: uint8 [H, W, 3], the frame, and the last one brought along `back`.
        back, there: float32 [H, W, 2], the flow to the last frame, and from it.

    Returns:
        float32 [H, W] in [0, 1].
    """
    cv2 = flows.opencv()
    apart = cv2.transform(cv2.blur(cv2.absdiff(frame, brought).astype(np.float32), (AROUND, AROUND)), MEAN)
    # Beside what differs nothing is trusted either.
    alike = cv2.erode(falling(apart, *ALIKE), np.ones([3, 3], np.uint8))
    astray = flows.length(back + flows.warp(there, back)) - ASTRAY * flows.length(back)
    kept = alike * falling(astray, *RETURNS) * falling(flows.steepness(back), *STEEP) * flows.inside(back)
    return cv2.blur(kept, (3, 3))


def falling(values, high, low):
    """1 up to `high`, 0 from `low` on, and straight between."""
    return np.clip((low - values) / (low - high), 0.0, 1.0)
