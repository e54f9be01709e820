"""Steadiness without films: a photo that moves a little must be painted as it was, moved as much.

After the losses on flow of Ruder et al. 2016, from stills as Wang et al. 2020 do.
"""

import tensorflow.compat.v1 as tf

GRID = 4  # points a side at which a flow is drawn; it is smooth between them
REACH = 0.03  # deviation of a flow, in sides of the picture: some eight pixels of 256
NOISE = 2.0  # deviation in grey values, as of a film's grain


def random_flow(size, seed):
    """A smooth field of small shifts.

    Args:
        size: int32 [4], of the pictures [N, H, W, 3].
        seed: int32 [2]; the same gives the same.

    Returns:
        float32 [N, H, W, 2], rows down and columns right, in pixels.
    """
    drawn = tf.random.stateless_normal([size[0], GRID, GRID, 2], seed)
    drawn *= REACH * tf.cast(size[1:3], tf.float32)
    return tf.image.resize_bicubic(drawn, size[1:3], align_corners=True)


def warp(image, flow):
    """Takes each pixel from where its flow points, between four pixels by their distance.

    Args:
        image: float32 [N, H, W, C].
        flow: float32 [N, H, W, 2].

    Returns:
        (warped, inside): float32 [N, H, W, C], and [N, H, W, 1]: 1 where that place is in the
            picture, else 0.
    """
    size = tf.shape(image)
    samples, rows, columns = tf.meshgrid(tf.range(size[0]), tf.range(size[1]), tf.range(size[2]),
                                         indexing='ij')  # [N, H, W]
    place = tf.cast(tf.stack([rows, columns], 3), tf.float32) + flow  # [N, H, W, 2]
    last = tf.cast(size[1:3] - 1, tf.float32)
    kept = tf.clip_by_value(place, 0.0, last)
    inside = tf.cast(tf.reduce_all(tf.equal(place, kept), 3, keepdims=True), tf.float32)
    low = tf.floor(tf.minimum(kept, tf.maximum(last - 1, 0.0)))
    share, low = kept - low, tf.cast(low, tf.int32)
    high = tf.minimum(low + 1, size[1:3] - 1)

    def corner(row, column):
        return tf.gather_nd(image, tf.stack([samples, row[..., 0], column[..., 1]], 3))  # [N, H, W, C]

    down, right = share[..., :1], share[..., 1:]
    top = corner(low, low) * (1.0 - right) + corner(low, high) * right
    bottom = corner(high, low) * (1.0 - right) + corner(high, high) * right
    return top * (1.0 - down) + bottom * down, inside


def moved(photo, seed):
    """A photo a moment later: warped a little, with other grain.

    Args:
        photo: float32 [N, H, W, 3] in [0, 255].
        seed: int32 [2].

    Returns:
        (photo float32 [N, H, W, 3] in [0, 255], flow float32 [N, H, W, 2]).
    """
    flow = random_flow(tf.shape(photo), seed)
    grain = tf.random.stateless_normal(tf.shape(photo), seed + 1, stddev=NOISE)
    return tf.clip_by_value(warp(photo, flow)[0] + grain, 0.0, 255.0), flow


def steady_loss(stylized, stylized_moved, flow):
    """Mean squared difference, in units of [0, 1], of the picture that is moved and that of the moved photo.

    Args:
        stylized, stylized_moved: float32 [N, H, W, 3] in [0, 255].
        flow: float32 [N, H, W, 2].

    Returns:
        float32 [N].
    """
    warped, inside = warp(stylized, flow)
    squared = tf.squared_difference(warped / 255.0, stylized_moved / 255.0) * inside
    return tf.reduce_sum(squared, [1, 2, 3]) / tf.maximum(3.0 * tf.reduce_sum(inside, [1, 2, 3]), 1.0)
