"""Evenness: what is even in the photo is to be even in the picture, beyond the size of a stroke.

Instance norm tells a layer nothing of where it is: glow beside dark things and skies in two tones come at no
cost to the losses of content and style. A price on them, guided by the photo's own edges as edge-aware
smoothing is (Farbman et al. 2008).
"""

import tensorflow.compat.v1 as tf

CELL = 8  # side in pixels of the cells that are averaged: what is finer is a stroke
REACH = (1, 2, 4)  # distances in cells at which two are compared
STEP = 0.03  # deviation, of 1, between cells of a photo from which on they count as two things
GRAIN = 0.04  # deviation, of 1, within a cell of a photo from which on it counts as textured


def evenness_loss(restyled, photo):
    """Mean squared difference of cells of the picture, where the photo's are flat and alike.

    Args:
        restyled, photo: float32 [N, H, W, 3] in [0, 255].

    Returns:
        float32 [N], in units of [0, 1] squared.
    """
    terms = [tf.reduce_sum(share * step, [1, 2]) / tf.cast(tf.maximum(tf.size(share[0]), 1), tf.float32)
             for share, step in pairs(restyled, photo)]
    return tf.add_n(terms) / len(terms)


def unevenness(restyled, photo):
    """Root mean square, in grey values, of these differences, each pair by its share; a measure, not a loss.

    Args:
        restyled, photo: as in `evenness_loss`.

    Returns:
        float32 [N]; NaN where the photo has no even place.
    """
    shares, squares = zip(*[(tf.reduce_sum(share, [1, 2]), tf.reduce_sum(share * step, [1, 2]))
                            for share, step in pairs(restyled, photo)])
    share = tf.add_n(shares)  # [N]
    return tf.where(share >= 1.0, 255.0 * tf.sqrt(tf.add_n(squares) / tf.maximum(share, 1.0)),
                    tf.fill(tf.shape(share), float('nan')))


def pairs(restyled, photo):
    """Pairs of cells, by distance and direction: list of (share, squared step of the picture), [N, h, w].

    A pair's share is 1 where the photo is flat in both cells and alike, and falls to 0 else.
    """
    painted, seen = cells(restyled / 255.0), cells(photo / 255.0)  # [N, H/8, W/8, 3]
    within = tf.reduce_mean(cells(tf.square(photo / 255.0)) - tf.square(seen), 3)  # [N, H/8, W/8]
    flat = 1.0 / (1.0 + within / GRAIN ** 2)
    found = []
    for distance in REACH:
        for axis in (1, 2):
            alike = tf.exp(-squared_step(seen, axis, distance) / (2.0 * STEP ** 2))
            first, second = ends(flat, axis, distance)
            found.append((alike * first * second, squared_step(painted, axis, distance)))
    return found


def cells(image):
    """Means of whole cells: float32 [N, H, W, C] -> [N, H/8, W/8, C]."""
    return tf.nn.avg_pool(image, [1, CELL, CELL, 1], [1, CELL, CELL, 1], 'VALID')


def squared_step(values, axis, distance):
    """Mean squared difference of channels between cells some cells apart: float32 [N, h, w]."""
    first, second = ends(values, axis, distance)
    return tf.reduce_mean(tf.squared_difference(first, second), 3)


def ends(values, axis, distance):
    """The first and the second of every pair of cells some cells apart along an axis."""
    if axis == 1:
        return values[:, :-distance], values[:, distance:]
    return values[:, :, :-distance], values[:, :, distance:]
