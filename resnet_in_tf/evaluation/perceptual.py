"""Content and style loss of finished pictures under training's loss network: the literature's measure."""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import perceptual_losses
from resnet_in_tf.perceptual.targets import default_layers, style_targets


class PerceptualMeter:
    """Measures the losses of training (perceptual_losses) on finished pictures.

    Args:
        paintings: list of uint8 [H, W, 3].
        vgg_weights: as in vgg.open_weights.
        content_weight, style_weight, tv_weight: as in train.train; they weigh the total alone.
    """

    def __init__(self, paintings, vgg_weights, content_weight=0.6, style_weight=8.0, tv_weight=30.0):
        content_layers = default_layers(vgg_weights, 'content')
        style_layers = default_layers(vgg_weights, 'style')
        weights = vgg.open_weights(vgg_weights, content_layers + style_layers)
        params = {'vgg19': weights, 'content_layers': content_layers, 'style_layers': style_layers,
                  'grams': style_targets(paintings, style_layers, weights),
                  'paintings': np.zeros([len(paintings), 1, 1, 3], np.uint8),
                  'content_weight': content_weight, 'style_weight': style_weight,
                  'tv_weight': tv_weight, 'identity_weight': 0.0, 'warmup_steps': 0}
        with tf.Graph().as_default():
            self.photo, self.stylized = [
                tf.placeholder(tf.float32, [1, None, None, 3], name=name)
                for name in ('photo', 'stylized')]
            self.style = tf.placeholder(tf.int32, [1], name='style')
            mix = tf.one_hot(self.style, len(paintings) + 1)  # the last is `identity`
            _, self.parts = perceptual_losses(self.photo, self.stylized, mix, tf.constant(0),
                                                    params)
            self.session = tf.Session()
            self.session.run(tf.local_variables_initializer())

    def measure(self, photo, stylized, style):
        """The losses of one picture.

        Args:
            photo, stylized: uint8 or float [H, W, 3], of one size.
            style: index of the painting.

        Returns:
            dict of float: total, content, style.
        """
        parts = self.session.run(self.parts, {self.photo: photo[None], self.style: [style],
                                              self.stylized: stylized[None]})
        return {name: float(parts[name]) for name in ('total', 'content', 'style')}

    def close(self):
        """Gives the session's memory back."""
        self.session.close()
