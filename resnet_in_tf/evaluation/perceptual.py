"""Content and style loss of finished pictures under training's loss network: the literature's measure.
Beside them how uneven a picture is where its photo is even: both are of a pair.
"""

import tensorflow.compat.v1 as tf

from resnet_in_tf.evaluation.features import channel_moments
from resnet_in_tf.graphs import session_config
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.evenness import unevenness
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
            painted = vgg.features(self.stylized, set(content_layers) | set(style_layers), weights)
            self.wanted = vgg.features(self.photo, content_layers, weights)
            terms = painting_terms(painted, self.wanted, targets, self.stylized, config)
            self.parts = {name: term[0] for name, term in
                          dict(terms, total=painting_total(terms, config)).items()}
            self.parts['unevenness'] = unevenness(self.stylized, self.photo)[0]
            self.statistics = channel_moments([painted[layer][0] for layer in style_layers])
            self.session = tf.Session(config=session_config())
            self.session.run(tf.local_variables_initializer())

    def look_at(self, photo):
        """What the measures of a photo's pictures need of it: itself and its features, dict tensor -> array.

        Args:
            photo: uint8 or float [H, W, 3].
        """
        given = {self.photo: photo[None]}
        features = self.session.run(self.wanted, given)
        given.update((self.wanted[layer], values) for layer, values in features.items())
        return given

    def measure(self, wanted, stylized, style):
        """The losses of one picture, and what a judge on the style layers sees in it.

        Args:
            wanted: of its photo, as `look_at` gives it.
            stylized: uint8 or float [H, W, 3], of the photo's size.
            style: index of the painting.

        Returns:
            (losses, statistics): dict of float (total, content, style, and
            unevenness, in grey values), and features.channel_moments of the style layers.
        """
        feed = dict(wanted)
        feed.update({self.style: [style], self.stylized: stylized[None]})
        parts, statistics = self.session.run((self.parts, self.statistics), feed)
        return {name: float(parts[name]) for name in ('total', 'content', 'style', 'unevenness')}, statistics

    def close(self):
        """Gives the session's memory back."""
        self.session.close()
