"""Content and style loss of finished pictures under training's loss network: the literature's measure."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import session_config
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.objective import painting_terms, painting_total
from resnet_in_tf.perceptual.targets import style_targets
from resnet_in_tf.training.config import resolve


class PerceptualMeter:
    """Measures the losses of training (objective.painting_terms) on finished pictures.

    Args:
        paintings: list of uint8 [H, W, 3].
        vgg_weights: as in vgg.open_weights.
        settings: weights of config.SETTINGS; they weigh the total alone.
    """

    def __init__(self, paintings, vgg_weights, **settings):
        config = resolve(dict(settings, vgg_weights=vgg_weights))
        content_layers, style_layers = config['content_layers'], config['style_layers']
        weights = vgg.open_weights(vgg_weights, tuple(content_layers) + tuple(style_layers))
        grams = style_targets(paintings, style_layers, weights)
        with tf.Graph().as_default():
            self.photo, self.stylized = [
                tf.placeholder(tf.float32, [1, None, None, 3], name=name)
                for name in ('photo', 'stylized')]
            self.style = tf.placeholder(tf.int32, [1], name='style')
            targets = {layer: tf.gather(vgg.local_variable('gram_' + layer, gram), self.style)
                       for layer, gram in grams.items()}
            terms = painting_terms(
                vgg.features(self.stylized, set(content_layers) | set(style_layers), weights),
                vgg.features(self.photo, content_layers, weights), targets, self.stylized, config)
            self.parts = {name: term[0] for name, term in
                          dict(terms, total=painting_total(terms, config)).items()}
            self.session = tf.Session(config=session_config())
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
