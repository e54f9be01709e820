"""Frames restyled one after the other, each step in a thread of its own, and what the next go on from."""

import collections
import contextlib

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.video import shots, statistics
from resnet_in_tf.video.overlap import ahead
from resnet_in_tf.video.steady import Blend

AHEAD = 1  # items that each step may be ahead of the next
STEADY = NONE, STATISTICS, FLOW = 'none', 'statistics', 'flow'  # each steadies more than the one before

State = collections.namedtuple('State', 'result pinned')
State.__doc__ = """What the next frame goes on from: uint8 [H, W, 3] and statistics.Pinned, or None each."""
Batch = collections.namedtuple('Batch', 'pixels times number before begins')
Batch.__doc__ = """Frames of one run.

Fields:
    pixels, times: as in decoding.Frames.
    number: int, of the first of them in its film.
    before: uint8 [H, W, 3], the frame before that, or None.
    begins: list of bool, whether a shot begins with each.
"""


def paint(reader, painter, skip, last=None, state=None, steady=FLOW):
    """Decodes, restyles and steadies.

    Args:
        reader: Decoder or Folder.
        painter: Painter.
        skip: int, first frames that are done already.
        last: int, the time of the last of these, None where it is not known.
        state: State of the same, or None.
        steady: a value of STEADY.

    Yields:
        (uint8 [H, W, 3], int time in ticks, State).

    Raises:
        UserError: the film is no longer what it was, or OpenCV is missing.
    """
    state = state or State(None, None)
    blend = Blend() if steady == FLOW else None
    decoded = ahead(batches(reader, painter.at_once, skip, last, steady != NONE), AHEAD)
    painted = ahead(paintings(decoded, painter, state.pinned), AHEAD)
    with contextlib.closing(ahead(finished(painted, painter, blend, state.result), AHEAD)) as results:
        for result in results:
            yield result


def batches(reader, at_once, skip, last, finds_cuts):
    """Yields a Batch of each run; arguments as `paint`."""
    number, time, before = 0, None, None
    for pixels, times in reader.read(at_once, skip):
        if number < skip:
            number, time, before = number + 1, times[-1], pixels[-1]
            continue
        if number == skip and last is not None and time != last:
            break
        yield Batch(pixels, times, number, before, [
            finds_cuts and (one is None or shots.is_cut(one, other))
            for one, other in zip([before] + list(pixels[:-1]), pixels)])
        number, time, before = number + len(pixels), times[-1], pixels[-1]
    if last is not None and number <= skip and time != last:
        raise UserError('%s: reads differently than when this was begun; give --overwrite to begin anew'
                        % reader.film.path)


def paintings(decoded, painter, pinned):
    """Yields (Batch, what the network made of it, list of Pinned)."""
    for batch in decoded:
        pixels, kept = painter(batch.pixels, batch.number, batch.begins, pinned)
        pinned = kept[-1]
        yield batch, pixels, kept


def finished(painted, painter, blend, result):
    """Yields (uint8 [H, W, 3], int, State) of each frame; `result` is that of the frame before."""
    for batch, pixels, kept in painted:
        before = batch.before
        for frame, painting, time, begins, pinned in zip(
                batch.pixels, pixels, batch.times, batch.begins, kept):
            painting = painter.finish(frame, painting)
            if blend and result is not None and not begins:
                painting = blend(frame, painting, before, result)
            before, result = frame, painting
            yield painting, time, State(painting if blend else None, pinned)


def to_arrays(state):
    """For a record: list of arrays."""
    result = np.zeros([0, 0, 3], np.uint8) if state.result is None else state.result
    return [result] + (statistics.to_arrays(state.pinned) if state.pinned else [])


def of_arrays(arrays):
    """The State that `to_arrays` took apart; None of None."""
    if not arrays:
        return None
    result, *rest = arrays
    return State(result if result.size else None, statistics.of_arrays(rest) if rest else None)
