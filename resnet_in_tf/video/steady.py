"""Frames that follow each other look alike: each is blended with the last result, brought along the flow.

What the network makes of a frame changes with every grain of noise, and much more than the frame did. Where
the last frame, brought along the flow, is what the new frame shows, the last result is brought along, too,
and most of it is kept. Elsewhere (what was hidden, what changed its light, a new shot) the new one is taken.
"""

import numpy as np

from resnet_in_tf.video import flow as flows

KEEP = 0.9  # most of the last result that is kept
BROAD, BROAD_KEEP = 31, 0.5  # pixels a side: what differs over so many, such as light, follows sooner
SEEN = 8.0, 20.0  # of 255, difference of frames: up to the one all is kept, from the other nothing
AROUND = 5  # pixels a side over which differences are averaged: noise is no change


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
        back = self.flow(frame, last_frame)
        share = KEEP * trust(frame, flows.warp(last_frame, back), back)[..., None]
        apart = flows.warp(last_painted, back).astype(np.float32) - painted
        apart -= (1 - BROAD_KEEP) * flows.opencv().blur(apart, (BROAD, BROAD))
        return np.clip(np.rint(painted + share * apart), 0, 255).astype(np.uint8)


def trust(frame, brought, flow):
    """How far a frame is the last one brought along: float32 [H, W] in [0, 1]."""
    cv2 = flows.opencv()
    apart = cv2.absdiff(frame, brought).astype(np.float32).mean(-1)
    apart = cv2.blur(apart, (AROUND, AROUND))
    alike = np.clip((SEEN[1] - apart) / (SEEN[1] - SEEN[0]), 0.0, 1.0) * flows.inside(flow)
    # At the edge of what is not to be trusted neither is what stands beside it.
    return cv2.blur(cv2.erode(alike, np.ones([3, 3], np.uint8)), (3, 3))
