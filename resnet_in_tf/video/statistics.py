"""Statistics of a shot: measured now and then, averaged over time, and the same for frames that follow.

Each frame's own would jump with whatever comes into view, and with them every colour of the frame.
"""

import collections

import numpy as np

from resnet_in_tf.tiles.fixed import Affine

MEASURED = 24  # frames from one measurement to the next
MOVED = 4  # frames that have the same statistics
STEP = np.float32(0.1)  # share of the way to what was measured last that these then go

Pinned = collections.namedtuple('Pinned', 'measured current')
Pinned.__doc__ = """Statistics at a frame: lists of Affine, of the frame measured last, and in use."""


def follow(pinned, number, begins, measure):
    """The statistics of the next frame.

    Args:
        pinned: Pinned of the frame before; None where there is none.
        number: int, of this frame in its film, from 0 up.
        begins: whether a shot begins with it.
        measure: function that gives its own statistics, list of Affine.

    Returns:
        Pinned; the same object for as long as it does not change.
    """
    if begins or pinned is None:
        measured = measure()
        return Pinned(measured, measured)
    if number % MOVED:
        return pinned
    measured = pinned.measured if number % MEASURED else measure()
    return Pinned(measured, [Affine(*[old + STEP * (new - old) for old, new in zip(*pair)])
                             for pair in zip(pinned.current, measured)])


def to_arrays(pinned):
    """For a record: list of float32 arrays."""
    return [array for affine in pinned.measured + pinned.current for array in affine]


def of_arrays(arrays):
    """The Pinned that `to_arrays` took apart."""
    affines = [Affine(*pair) for pair in zip(arrays[::2], arrays[1::2])]
    return Pinned(affines[:len(affines) // 2], affines[len(affines) // 2:])
