"""What a generator is kept from by a price on it: dead patches, spikes, silent pixels."""

import tensorflow.compat.v1 as tf


def saturation(x, limit=2.0):
    """How far the input of tanh lies beyond +-limit (4.6 and 250 of 255), mean square: scalar.

    Past it tanh has no slope: a patch that is driven into black or white once stays dead.
    """
    return tf.reduce_mean(tf.square(tf.nn.relu(tf.abs(x) - limit)), name='saturation')


def spikes(x, limit=4.0):
    """How far features stand out of their channel beyond `limit` deviations, mean square: scalar.

    Instance norm takes a picture's brightness and contrast away. A network learns to smuggle them
    through by one spike that sets a channel's deviation, and each is a blob of a strange colour
    in the picture (Karras et al. 2020).
    """
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    deviations = tf.abs(x - mean) * tf.rsqrt(variance + 1e-5)
    return tf.reduce_mean(tf.square(tf.nn.relu(deviations - limit)), name='spikes')


def silence(x, least=0.1):
    """How far the loudest channel of each pixel lies below `least`, mean square: scalar.

    Where ReLU lets no channel through, all pixels are one grey, and no gradient tells them better.

    Args:
        x: float32 [N, H, W, C], before ReLU.
        least: of the loudest channel.
    """
    return tf.reduce_mean(tf.square(tf.nn.relu(least - tf.reduce_max(x, 3))), name='silence')
