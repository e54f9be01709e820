"""A large convolution to few channels, row by row of its kernel.

TensorFlow lays out every patch, here 9x9x32 numbers, to multiply it by a matrix of 3 columns: the
layout takes longer than the products. All rows of the kernel side by side, in one convolution of
1x9 to 9*3 channels, need a ninth of it; the nine are then added up, each a row further down.
"""

import tensorflow.compat.v1 as tf

from resnet_in_tf.network.cpu_graph.matching import is_plain_convolution, kernel_shape

FEW = 4
LARGE = 5


def convolution_to_few(node, nodes):
    """The rule for such a convolution: equal but for rounding."""
    if not is_plain_convolution(node):
        return None
    shape = kernel_shape(node.input[1], nodes)
    if shape is None or shape[0] < LARGE or shape[3] > FEW:
        return None
    return convolve_by_rows, node.input[:2], shape[0], shape[3]


def convolve_by_rows(x, kernel, rows, filters, name):
    """Convolves without padding.

    Args:
        x: float32 [N, H, W, C].
        kernel: float32 [rows, columns, C, filters].
        rows, filters: int.
        name: of the resulting node.

    Returns:
        float32 [N, H - rows + 1, W - columns + 1, filters].
    """
    columns, channels = tf.unstack(tf.shape(kernel)[1:3])
    kernel = tf.transpose(kernel, [1, 2, 0, 3])  # [columns, C, rows, filters]
    kernel = tf.reshape(kernel, [1, columns, channels, rows * filters])
    shares = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], 'VALID')  # [N, H, W', rows*filters]
    height = tf.shape(x)[1] - (rows - 1)
    return tf.add_n([shares[:, row:row + height, :, row * filters:(row + 1) * filters]
                     for row in range(rows)], name=name)
