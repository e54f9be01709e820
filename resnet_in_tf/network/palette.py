"""A picture takes on the palette of another: its mean colour and the covariance of its colours.

In closed form, as an instance norm of the three channels together: whitened by the Cholesky factor of
the picture's own covariance, then coloured by that of the other. In YUV, luminance comes first, and what
was light stays light. The factors are written out: exports have no Cholesky.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.pictures.color import TO_RGB, TO_YUV
from resnet_in_tf.pictures.palette import EPSILON, LOWER, NUMBERS

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))  # of channels, as `covariance_of_rgb` has them


def unit(row, column):
    """float64 [3, 3] with a one."""
    matrix = np.zeros([3, 3])
    matrix[row, column] = 1.0
    return matrix


YUV, RGB = TO_YUV.astype(np.float64), np.linalg.inv(TO_YUV.astype(np.float64))
# What is linear in the entries of a small matrix is one product with a constant.
COVARIANCE_TO_YUV = np.stack([[(YUV @ (unit(*pair) + unit(*pair[::-1]) * (pair[0] != pair[1])) @ YUV.T)[place]
                               for place in LOWER] for pair in PAIRS])  # [6, 6]
MAP_TO_RGB = np.stack([(RGB @ unit(*place) @ YUV).T.ravel() for place in LOWER])  # [6, 9], in, then out


def palette_of(x):
    """The palette of each picture of a batch.

    Args:
        x: float32 [N, H, W, 3], RGB in [-1, 1].

    Returns:
        float32 [N, 9]: mean of Y, U and V, then the lower Cholesky factor of their covariance, row by
        row. Whatever numbers a mix has, they are a palette.
    """
    mean = mean_color(x, 'mean')  # [N, 1, 1, 3]
    centered = tf.subtract(x, mean, name='centered')
    mean = linear(tf.reshape(mean, [-1, 3]), TO_YUV.T)  # [N, 3]
    factor = cholesky(linear(covariance_of_rgb(centered), COVARIANCE_TO_YUV))
    return tf.stack(columns(mean, 3) + factor, 1, name='palette')


def take_on(x, palette):
    """Gives each picture of a batch the mean colour and the covariance of a palette.

    Args:
        x: float32 [N, H, W, 3], RGB in [-1, 1].
        palette: float32 [N, 9], as `palette_of` has it.

    Returns:
        float32 [N, H, W, 3]; what the palette and the picture together put beyond [-1, 1] stays there.
    """
    x = tf.identity(x, name='given')
    own = columns(palette_of(x), NUMBERS)
    wanted = columns(palette, NUMBERS)
    lower = product(wanted[3:], inverse(own[3:]))
    shift = [want - sum(lower[LOWER.index((row, column))] * own[column] for column in range(row + 1))
             for row, want in enumerate(wanted[:3])]
    matrix = linear(tf.stack(lower, 1), MAP_TO_RGB, 'matrix')  # [N, 9]
    shift = linear(tf.stack(shift, 1), TO_RGB.T, 'shift')  # [N, 3]
    matrix = tf.reshape(matrix, [-1, 1, 1, NUMBERS])
    y = tf.reshape(shift, [-1, 1, 1, 3])
    for channel in range(3):
        y += x[:, :, :, channel:channel + 1] * matrix[:, :, :, 3 * channel:3 * channel + 3]
    return y  # [N, H, W, 3]


def clip(x, training):
    """Brings colours back into [-1, 1]; in training the gradient passes, or nothing would lead back."""
    clipped = tf.clip_by_value(x, -1.0, 1.0)
    return x - tf.stop_gradient(x - clipped) if training else clipped


def mean_color(x, name):
    """Mean over positions, columns first, as instance norm has it: float32 [N, 1, 1, C]."""
    return tf.reduce_mean(tf.reduce_mean(x, 2, keepdims=True, name=name + '_of_columns'), 1,
                          keepdims=True, name=name)


def covariance_of_rgb(centered):
    """Mean products of the channels of [N, H, W, 3], in the order of PAIRS: float32 [N, 6]."""
    squares = mean_color(tf.square(centered), 'variances')
    products = mean_color(centered * tf.gather(centered, [1, 2, 0], axis=3), 'covariances')
    both = columns(tf.reshape(squares, [-1, 3]), 3) + columns(tf.reshape(products, [-1, 3]), 3)
    return tf.stack(both, 1)


def cholesky(covariance):
    """The lower factor of covariances [N, 6] of YUV with EPSILON on their diagonals: six of [N]."""
    yy, uy, uu, vy, vu, vv = columns(covariance, 6)

    def root(value):
        value = tf.maximum(value, 0.5 * EPSILON)  # rounding alone could bring it below EPSILON
        return value * tf.rsqrt(value)

    a = root(yy + EPSILON)
    b, d = uy / a, vy / a
    c = root(uu + EPSILON - tf.square(b))
    e = (vu - d * b) / c
    return [a, b, c, d, e, root(vv + EPSILON - tf.square(d) - tf.square(e))]


def inverse(factor):
    """The inverse of a lower triangle whose diagonal is above zero, as six of [N]."""
    a, b, c, d, e, f = factor
    x, y, z = [tf.rsqrt(tf.square(each)) for each in (a, c, f)]  # TFLite of TensorFlow 1.15 has no 1 / x
    return [x, -b * x * y, y, (b * e - c * d) * x * y * z, -e * y * z, z]


def product(left, right):
    """The product of two lower triangles, each six of [N]."""
    return [sum(left[LOWER.index((row, inner))] * right[LOWER.index((inner, column))]
                for inner in range(column, row + 1)) for row, column in LOWER]


def columns(x, count):
    """The columns of [N, count], each [N]."""
    return [x[:, number] for number in range(count)]


def linear(x, matrix, name=None):
    """x @ matrix, float32 [N, K] by [K, M] to [N, M].

    A MatMul may be computed in bfloat16 where training is, and the variance of a faint colour, a small
    difference of large numbers, would be lost.
    """
    products = tf.reshape(x, [-1, len(matrix), 1]) * tf.constant(np.asarray(matrix, np.float32))  # [N, K, M]
    return tf.multiply(tf.reduce_mean(products, 1), float(len(matrix)), name=name)
