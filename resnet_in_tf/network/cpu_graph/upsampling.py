"""A 3x3 convolution of an interpolated picture, as two convolutions of the small picture.

With the kernels of `phases` the large picture with all of x's channels is never there: no
interpolation, no padding of it, and 30 products of 36.

The kernels round each in its own way. Where x is flat, an instance norm would blow the difference
of even and odd rows up to a pattern; so they are given x less its first position, zeros where x is
flat, and what that position gives is added to all.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.network.cpu_graph.matching import (
    constant,
    is_plain_convolution,
    kernel_shape,
    reflected,
    source,
)
from resnet_in_tf.network.cpu_graph.padding import gather_positions
from resnet_in_tf.network.phases import COLUMNS, EVEN, ODD


def upsampled_convolution(node, nodes):
    """The rule for upsample, pad by one, 3x3 convolution: equal but for rounding."""
    if not is_plain_convolution(node) or (kernel_shape(node.input[1], nodes) or ())[:2] != (3, 3):
        return None
    pad = source(node.input[0], nodes)
    if reflected(pad, nodes) != ((1, 1), (1, 1)):
        return None
    resize = source(pad.input[0], nodes)
    if not doubles(resize, nodes):
        return None
    return convolve_upsampled, [resize.input[0], node.input[1]]


def doubles(resize, nodes):
    """Whether a node interpolates linearly to twice the size, as `generator.upsample` does."""
    if (resize.op != 'ResizeBilinear' or resize.attr['align_corners'].b
            or resize.attr['half_pixel_centers'].b):
        return False
    twice = source(resize.input[1], nodes)
    if twice.op != 'Mul' or constant(twice.input[1], nodes) != 2:
        return False
    cut = source(twice.input[0], nodes)
    if cut.op != 'StridedSlice':
        return False
    begin, end, step = [constant(name, nodes) for name in cut.input[1:]]
    shape = source(cut.input[0], nodes)
    return (begin, end, step) == ([1], [3], [1]) and shape.op == 'Shape' and (
        shape.input[0] == resize.input[0])


def convolve_upsampled(x, kernel, name):
    """Interpolates to twice the size, pads by reflection, convolves.

    Args:
        x: float32 [N, H, W, C], H and W from 2 up.
        kernel: float32 [3, 3, C, F].
        name: of the resulting node.

    Returns:
        float32 [N, 2H, 2W, F].
    """
    even, odd = phases(kernel)
    batch, height, width = tf.unstack(tf.shape(x)[:3])
    # The edge as u has it: u[-1] is u[1], and both u[2n-1] and u[2n] are x[n-1].
    origin = x[:, :1, :1]  # [N, 1, 1, C]
    x = gather_positions(x, edge_indices(height), edge_indices(width)) - origin  # [N, H+2, W+2, C]
    rows = [tf.nn.conv2d(each, kernels, [1, 1, 1, 1], 'VALID')  # [N, H, W, 2F]
            for each, kernels in ((x, even), (x[:, 1:], odd))]
    size = [batch, 2 * height, 2 * width, tf.shape(kernel)[3]]
    y = tf.reshape(tf.stack(rows, 2), size)  # [N, H, 2, W, 2F] to [N, 2H, 2W, F]
    everywhere = tf.reduce_sum(kernel, [0, 1], keepdims=True)  # [1, 1, C, F]
    return tf.add(y, tf.nn.conv2d(origin, everywhere, [1, 1, 1, 1], 'VALID'), name=name)


def phases(kernel):
    """The kernels of even and odd rows: float32 [3, 3, C, 2F] and [2, 3, C, 2F]."""
    channels, filters = tf.unstack(tf.shape(kernel)[2:])
    spread = np.einsum('ay,pbx->abpyx', np.concatenate([EVEN, ODD]), COLUMNS).reshape(30, 9)
    spread = tf.matmul(spread, tf.reshape(kernel, [9, channels * filters]))  # [5*3*2, C*F]
    spread = tf.reshape(spread, [5, 3, 2, channels, filters])
    spread = tf.transpose(spread, [0, 1, 3, 2, 4])  # [5, 3, C, 2, F]
    spread = tf.reshape(spread, [5, 3, channels, 2 * filters])
    return spread[:3], spread[3:]


def edge_indices(length):
    """Indices 1, 0, 1, ... length-1, length-1."""
    return tf.pad(tf.pad(tf.range(length), [[1, 0]], 'REFLECT'), [[0, 1]], 'SYMMETRIC')
