"""A loss network as a measuring instrument: features and their statistics, picture by picture."""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import session_config
from resnet_in_tf.perceptual import losses, vgg


def channel_moments(features):
    """Mean and deviation of every channel of every layer: float32 [2 * channels].

    Args:
        features: list of float32 [h, w, C].
    """
    return tf.concat([tf.reshape(losses.channel_moments(layer[None]), [-1]) for layer in features], 0)


class FeatureReader:
    """One session that reads VGG features of pictures of any size.

    Args:
        vgg_weights: as in vgg.open_weights.
        layers: VGG layers.
    """

    def __init__(self, vgg_weights, layers):
        self.layers = vgg.check_layers(layers)
        weights = vgg.open_weights(vgg_weights, self.layers)
        with tf.Graph().as_default():
            self.image = tf.placeholder(tf.float32, [1, None, None, 3], name='image')
            found = vgg.features(self.image, self.layers, weights)
            self.tensors = [found[layer][0] for layer in self.layers]
            self.moments = channel_moments(self.tensors)
            self.session = tf.Session(config=session_config())
            self.session.run(tf.local_variables_initializer())

    def features(self, picture):
        """The layers of one picture, uint8 or float [H, W, 3]: list of float32 [h, w, C]."""
        return self.session.run(self.tensors, {self.image: picture[None]})

    def statistics(self, pictures):
        """`channel_moments` of pictures: float32 [N, 2 * channels].

        Args:
            pictures: list of uint8 or float [H, W, 3], sizes may differ.
        """
        return np.stack([self.session.run(self.moments, {self.image: picture[None]})
                         for picture in pictures])

    def close(self):
        """Gives the session's memory back."""
        self.session.close()
