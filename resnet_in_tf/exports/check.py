"""Compares an exported network with the .pb that it was made from, on a photo."""

import collections
import contextlib
import functools

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images

LIMIT = 2.0  # grey levels of 255
SIZES = ((128, 96), (61, 83), (5, 18))  # width, height: a usual one, an odd one, one below the grid

Written = collections.namedtuple('Written', 'path bytes difference')


def photo(width, height):
    """A real photo: uint8 [height, width, 3], RGB."""
    face = raccoon()
    scale = min(1024 / width, 768 / height)
    across, down = max(1, int(width * scale)), max(1, int(height * scale))
    left, top = (1024 - across) // 2, (768 - down) // 2
    return images.resize(face[top:top + down, left:left + across], width, height)


@functools.lru_cache(maxsize=None)
def raccoon():
    """SciPy's photo of a raccoon: uint8 [768, 1024, 3]; unpacking it takes half a second."""
    import scipy.misc
    return scipy.misc.face()


def mixes(styles):
    """Style mixes that reach every row of the tables.

    Args:
        styles: number S of style weights; the last is the weight of identity.

    Returns:
        float32 [M, S], M from 3 to 4, rows sum to one.
    """
    first, evenly, half = np.zeros([3, styles], np.float32)
    first[0] = 1
    evenly[:-1] = 1 / (styles - 1)
    half[[-2, -1]] = 0.5  # the last style at half strength
    identity = np.eye(styles, dtype=np.float32)[-1]
    return np.unique([first, evenly, half, identity], axis=0)


@contextlib.contextmanager
def reference(graph_def):
    """Opens a frozen graph for comparison.

    Yields:
        Function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized.
    """
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        with tf.Session(graph=graph, config=session_config()) as session:
            yield session.make_callable(
                frozen.STYLIZED + ':0', [frozen.IMAGE + ':0', frozen.STYLE_WEIGHTS + ':0'])


def greatest_difference(expected, run, style_names, sizes=SIZES, batches=(1,)):
    """The greatest difference between two networks over sizes, mixes and batch sizes.

    Args:
        expected, run: functions of float32 image [N, H, W, 3] and style_weights [N, S] that give
            float32 [N, H, W, 3].
        style_names: list of str, S long.
        sizes: pairs (width, height).
        batches: numbers of pictures at once, each with a mix of its own.

    Returns:
        float, grey levels; infinite where a shape differs or a value is not finite.
    """
    worst, rows = 0.0, mixes(len(style_names))
    for width, height in sizes:
        pixels = photo(width, height).astype(np.float32)
        for batch in batches:
            for start in range(0, len(rows), batch):
                weights = rows[np.arange(start, start + batch) % len(rows)]
                image = np.stack([pixels[:, ::-1] if number % 2 else pixels
                                  for number in range(batch)])  # [N, H, W, 3]
                worst = max(worst, difference(expected(image, weights), run(image, weights)))
    return worst


def difference(one, other):
    """The greatest absolute difference of two arrays; infinite where they cannot be compared."""
    if np.shape(one) != np.shape(other) or not np.isfinite(other).all():
        return np.inf
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).max())


def require_close(path, worst):
    """Raises UserError where an export is further than LIMIT from its .pb."""
    if not worst <= LIMIT:
        raise UserError('%s: not written: it differs from the .pb by %.3g of 255, more than %g'
                        % (path, worst, LIMIT))
