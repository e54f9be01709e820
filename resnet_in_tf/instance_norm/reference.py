"""Formula (11) in plain TensorFlow: what every other implementation is checked against.

All nodes lie under one scope and have fixed names, so that `graph.py` finds them in a frozen graph.
"""

import tensorflow.compat.v1 as tf


def instance_norm(x, gamma, beta, activation, epsilon, name):
    """Normalizes each channel of each sample over its positions; arguments as in `api.py`.

    Two passes, deviations before squares: E[x^2] - E[x]^2 would cancel in float32. Each mean is
    taken over columns, then over rows: two short sums round less than one long sum, and run faster.
    """
    channels = x.shape.as_list()[-1]
    with tf.name_scope(name):
        gamma = tf.reshape(gamma, [-1, 1, 1, channels], name='gamma')  # [N or 1, 1, 1, C]
        beta = tf.reshape(beta, [-1, 1, 1, channels], name='beta')  # [N or 1, 1, 1, C]
        mean = spatial_mean(x, 'mean')
        centered = tf.subtract(x, mean, name='centered')
        variance = spatial_mean(tf.square(centered, name='squared'), 'variance')
        deviation = tf.rsqrt(tf.add(variance, epsilon, name='stabilized'), name='inverse_deviation')
        scale = tf.multiply(gamma, deviation, name='scale')  # [N, 1, 1, C]
        y = tf.add(tf.multiply(centered, scale, name='scaled'), beta, name='shifted')
        return tf.nn.relu(y, name='relu') if activation == 'relu' else y


def spatial_mean(x, name):
    """Mean over H and W: float32 [N, 1, 1, C]."""
    columns = tf.reduce_mean(x, 2, keepdims=True, name=name + '_of_columns')  # [N, H, 1, C]
    return tf.reduce_mean(columns, 1, keepdims=True, name=name)  # [N, 1, 1, C]
