"""How steady films are: what two frames show of the same place, each as it was restyled, must be the same.

The error of two neighbouring frames is the root mean square, of 255, of the first less the second brought
back to it along the flow of the source, over what is seen in both (Lai et al. 2018, Gao et al. 2020).
"""

import os

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import tables
from resnet_in_tf.video import decoding, flow, probing, recognizing

UNKNOWN = 1e9  # of a flow in a .flo file, and more
RATE = 25.0  # of a folder; the measure does not depend on it


def frames_of(path):
    """Yields the frames of a film, or of a folder or pattern of numbered pictures: uint8 [H, W, 3]."""
    is_film = os.path.isfile(path) and recognizing.looks_like_film(path)
    reader = decoding.Decoder(probing.probe(path)) if is_film else decoding.Folder(path, RATE)
    for frames in reader.read(1):
        yield frames.pixels[0]


def read_flow(path):
    """Reads a true flow.

    Args:
        path: a .flo of Middlebury or Sintel, or a 16-bit PNG of KITTI.

    Returns:
        (float32 [H, W, 2], bool [H, W], where it is known).

    Raises:
        UserError: neither.
    """
    cv2 = flow.opencv()
    if path.endswith('.flo'):
        found = cv2.readOpticalFlow(path) if os.path.exists(path) else None
        if found is not None and found.size:
            return np.where(np.abs(found) < UNKNOWN, found, 0.0), (np.abs(found) < UNKNOWN).all(-1)
    else:
        found = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        if found is not None and found.dtype == np.uint16 and found.ndim == 3:
            known, vertical, horizontal = [found[..., channel].astype(np.float32) for channel in range(3)]
            values = (np.stack([horizontal, vertical], -1) - 2 ** 15) / 64.0
            return values * known[..., None], known > 0
    raise UserError('--flow %s: is neither a .flo nor a 16-bit PNG as KITTI has them' % path)


def error(one, other, there, seen):
    """The error of two results: float, of 255; arguments as `measure` has them."""
    apart = one.astype(np.float32) - flow.warp(other.astype(np.float32), there)
    return float(np.sqrt(np.mean(np.square(apart[seen])))) if seen.any() else 0.0


def detail(frame):
    """Mean difference of neighbouring pixels, of 255: what blur takes away."""
    values = np.asarray(frame, np.float32)
    return float(np.mean([np.abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)]))


def measure(source, results, true_flow=None):
    """Measures a film's results, each against the flow of the film.

    Args:
        source: path of the film, or of a folder or pattern of numbered pictures.
        results: list of paths of the same.
        true_flow: path of the flow from the first of two frames to the second; else OpenCV's DIS is asked.

    Returns:
        List of dict: `film`, `error` (of 255; less is steadier), `detail` (of 255; more is sharper) and
        `frames`; the first is the source's own.

    Raises:
        UserError: a result has not the frames of the source, or not their size.
    """
    search, known = flow.Flow(), None
    if true_flow:
        true_flow, known = read_flow(true_flow)
    paths = [source] + list(results)
    errors, details = [[[] for _ in paths] for _ in range(2)]
    before = None
    films = [frames_of(path) for path in paths]
    for frame in films[0]:
        frames = [frame] + [following(film, path, frame.shape, source)
                            for film, path in zip(films[1:], paths[1:])]
        if before:
            there, back = search(before[0], frame), search(frame, before[0])
            if known is not None:
                there = fitting(true_flow, frame, source)
            seen = flow.visible(there, back) & (True if known is None else known)
            for values, one, other in zip(errors, before, frames):
                values.append(error(one, other, there, seen))
            if known is not None and len(errors[0]) > 1:
                raise UserError('--flow: is of two frames, and %s has more' % source)
        for values, each in zip(details, frames):
            values.append(detail(each))
        before = frames
    for film, path in zip(films[1:], paths[1:]):
        if next(film, None) is not None:
            raise UserError('%s: has more frames than %s' % (path, source))
    if not errors[0]:
        raise UserError('%s: steadiness takes two frames or more' % source)
    return [{'film': path, 'error': np.mean(error), 'detail': np.mean(sharp), 'frames': len(sharp)}
            for path, error, sharp in zip(paths, errors, details)]


def following(film, path, shape, source):
    """The next frame of a result, which must be there and have the source's size."""
    frame = next(film, None)
    if frame is None or frame.shape != shape:
        raise UserError('%s: %s' % (path, 'has fewer frames than %s' % source if frame is None else
                                    'has frames of %dx%d, and %s of %dx%d' % (
                                        frame.shape[1::-1] + (source,) + shape[1::-1])))
    return frame


def fitting(true_flow, frame, source):
    """A true flow that has the size of a frame."""
    if true_flow.shape[:2] != frame.shape[:2]:
        raise UserError('--flow: is of %dx%d pixels, and %s of %dx%d' % (
            true_flow.shape[1::-1] + (source,) + frame.shape[1::-1]))
    return true_flow


def print_table(source, results, true_flow, output, show=print):
    """Prints and writes the table of `measure`; ratios are to the first result."""
    rows = measure(source, results, true_flow)
    for row in rows:
        row['ratio'] = None if row is rows[0] else row['error'] / max(rows[1]['error'], 1e-9)
    show('%-32s %8s %8s %8s' % ('film', 'error', 'ratio', 'detail'))
    for row in rows:
        ratio = ' ' * 8 if row['ratio'] is None else '%8.3f' % row['ratio']
        show('%-32s %8.3f %s %8.2f' % (row['film'][-32:], row['error'], ratio, row['detail']))
    if output:
        tables.write_csv(output, rows)
