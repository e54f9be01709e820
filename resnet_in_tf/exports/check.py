"""Compares an exported network with the .pb that it was made from, on a photo."""

import collections
import contextlib
import functools

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import frozen, predictor, rows
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.palette import palette_of_picture

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


def row_of_photo(width):
    """A row such as a painting has, its palette that of a photo: float32 [1, R].

    Args:
        width: int, channels of the network's first layer.
    """
    return np.concatenate([predictor.neutral_row(width), palette_of_picture(photo(48, 32))]).astype(
        np.float32)[None]


@contextlib.contextmanager
def reference(graph_def):
    """Opens a frozen graph for comparison.

    Yields:
        Function of float32 image [N, H, W, 3] and style_weights [N, S], and of a row [N, R] where the
        network takes one, that gives stylized.
    """
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        with tf.Session(graph=graph, config=session_config()) as session:
            inputs = [name + ':0' for name in (frozen.IMAGE, frozen.STYLE_WEIGHTS, frozen.ROW)]
            runs = {count: session.make_callable(frozen.STYLIZED + ':0', inputs[:count])
                    for count in (2, 3)[:1 + frozen.has_row(graph_def)]}
            yield lambda *values: runs[len(values)](*values)


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


def difference_with_row(expected, run, style_names, width):
    """The greatest difference between two networks that are given a row, alone and with the first style.

    Args:
        expected, run: functions of float32 image [1, H, W, 3], style_weights [1, S] and row [1, R] that
            give float32 [1, H, W, 3].
        style_names: list of str, S long.
        width: int, channels of the networks' first layer.

    Returns:
        float, as `greatest_difference`.
    """
    worst, row = 0.0, row_of_photo(width)
    for size in SIZES:
        for share in (1.0, 0.5):
            weights = (1 - share) * np.eye(1, len(style_names), dtype=np.float32)
            given = photo(*size).astype(np.float32)[None], weights, share * row
            worst = max(worst, difference(expected(*given), run(*given)))
    return worst


def row_difference(graph_def, predict):
    """The greatest difference between pictures of two style predictors, painted by one network.

    Args:
        graph_def: tf.GraphDef of a network with a style predictor.
        predict: function of float32 [1, H, W, 3] that gives float32 [1, R].

    Returns:
        float, grey levels; infinite where a shape differs or a value is not finite.
    """
    paintings, worst = [photo(*size) for size in SIZES], 0.0
    image = paintings[0].astype(np.float32)[None]
    none = np.zeros([1, frozen.count_styles(graph_def)], np.float32)
    with reference(graph_def) as run:
        for painting, row in zip(paintings, rows.predict(graph_def, paintings)):
            made = predict(painting.astype(np.float32)[None])
            if np.shape(made) != np.shape(row[None]):
                return np.inf
            worst = max(worst, difference(*[run(image, none, each) for each in (row[None], made)]))
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
