"""The style predictor: from a painting to a style's row, in one pass (Ghiasi et al. 2017).

Channel means and deviations of a loss network's features of the painting go through three dense layers to
gamma and beta of every normalization. The palette comes from the pixels in closed form: a row that had to
learn it never got the colours right.
"""

import tensorflow.compat.v1 as tf

from resnet_in_tf.network.layers import norm_channels
from resnet_in_tf.network.palette import mean_color, palette_of

LAYERS = ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1')  # what it is shown of a painting
HIDDEN = (512, 256)
SCOPE, ENCODER = 'predictor', 'encoder'  # of the dense layers, and of the part of a loss network
MEAN, DEVIATION = SCOPE + '/mean', SCOPE + '/deviation'  # of the statistics, over many paintings
EPSILON = 1e-4  # variance: the root of nothing has no slope


def statistics(features):
    """What the predictor sees of paintings.

    Args:
        features: dict of LAYERS -> float32 [N, h, w, C], of a loss network.

    Returns:
        float32 [N, D], means and deviations of all channels.
    """
    parts = []
    for layer in LAYERS:
        x = features[layer]
        mean = mean_color(x, 'mean')  # [N, 1, 1, C]
        variance = mean_color(tf.square(x - mean), 'variance') + EPSILON
        parts += [tf.reshape(each, [-1, x.shape.as_list()[-1]])
                  for each in (mean, variance * tf.rsqrt(variance))]  # [N, C]
    return tf.concat(parts, 1)


def predict(seen, painting, width):
    """Builds the predictor.

    Args:
        seen: float32 [N, D], `statistics` of the paintings.
        painting: float32 [N, H, W, 3], RGB in [0, 255].
        width: channels of the generator's first layer.

    Returns:
        float32 [N, row_size(width)], in the order of generator.split_row. Untrained, its gammas are near
        one and its betas near zero.
    """
    size = seen.shape.as_list()[-1]
    with tf.variable_scope(SCOPE):
        mean = tf.get_variable('mean', [size], initializer=tf.zeros_initializer(), trainable=False)
        deviation = tf.get_variable('deviation', [size], initializer=tf.ones_initializer(), trainable=False)
        x = (seen - mean) / deviation
        for number, units in enumerate(HIDDEN, 1):
            x = tf.nn.relu(dense(x, units, 'dense%d' % number, 2.0))
        norms = 2 * sum(norm_channels(width))
        # Begins near the row of a network that has no styles: small steps away from a sound picture.
        x = dense(x, norms, 'dense%d' % (len(HIDDEN) + 1), 0.05, neutral_row(width))
        with tf.name_scope('palette'):
            colors = palette_of(painting / 127.5 - 1.0)
        return tf.concat([x, colors], 1, name='row')


def dense(x, units, name, scale, bias=None):
    """x @ kernel + bias, float32 [N, units]; `bias` is its first value, zeros for None."""
    with tf.variable_scope(name):
        kernel = tf.get_variable('kernel', [x.shape.as_list()[-1], units],
                                 initializer=tf.variance_scaling_initializer(scale))
        initial = tf.zeros_initializer() if bias is None else tf.constant_initializer(bias)
        return tf.matmul(x, kernel) + tf.get_variable('bias', [units], initializer=initial)


def neutral_row(width):
    """Gamma one and beta zero for every normalization: list of numbers."""
    return [value for channels in norm_channels(width) for value in [1.0] * channels + [0.0] * channels]
