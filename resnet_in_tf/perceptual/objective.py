"""The objective that training, NAAS and the measures share: formula (6) and what stands beside it.

Every term has a name and a weight; nothing else is added to the loss.
"""

import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import evenness, losses, penalties, vgg
from resnet_in_tf.perceptual.targets import moment_scales

# What is reported, in this order: the weighted sum, then each term raw.
PARTS = ('total', 'content', 'style', 'total_variation', 'moments', 'evenness', 'teacher',
         'steady', 'identity_pixel', 'saturation', 'spikes', 'silence')
FURTHER = ('moments', 'evenness', 'teacher', 'steady')  # terms of training alone, each where it is asked for
SMALLEST_SQUARE = 0.01  # a photo of one colour has lightness 0, and its loss would be without bound


def painting_terms(painted, wanted, targets, restyled, config):
    """The terms of a picture that is painted in a style.

    Args:
        painted: dict layer -> float32 [N, h, w, C], features of the restyled picture.
        wanted: the same of the photo, for the content layers.
        targets: dict style layer -> float32 [N, C, C], `mean_gram` of the painting.
        restyled: float32 [N, H, W, 3] in [0, 255].
        config: dict with content_layers and style_layers.

    Returns:
        dict content, style, total_variation -> float32 [N].
    """
    content_layers = config['content_layers']
    grams = {layer: losses.mean_gram(painted[layer]) for layer in config['style_layers']}
    return {'content': tf.add_n([relative_feature_loss(painted[layer], wanted[layer])
                                 for layer in content_layers]) / len(content_layers),
            'style': losses.style_loss(grams, targets, losses.relative_layer_weights(targets)),
            'total_variation': losses.total_variation(restyled)}


def painting_total(terms, config):
    """Formula (6) and total variation: the weighted sum of `painting_terms`, float32 [N]."""
    return (losses.total_loss(terms['style'], terms['content'], config['style_weight'],
                              config['content_weight'])
            + config['tv_weight'] * terms['total_variation'])


def penalty_terms(activations):
    """The prices on dead patches, spikes and silent pixels: dict name -> float32 scalar.

    Args:
        activations: generator.Activations.
    """
    return {'saturation': penalties.saturation(activations.before_tanh),
            'spikes': tf.add_n([penalties.spikes(x) for x in activations.normalized]),
            'silence': tf.add_n([penalties.silence(x) for x in activations.painting])}


def training_losses(photo, restyled, activations, mix, step, params, picture=None, further=None):
    """The objective of training: `painting_total` for the styles, a pixel loss for `identity`, penalties.

    Args:
        photo, restyled: float32 [N, H, W, 3] in [0, 255].
        activations: generator.Activations of `restyled`.
        mix: float32 [N, S + 1], the shares of the paintings and of `identity`; with `picture`
            [N, S + 2], the last but one that of the sample's own picture. A mix of paintings
            is trained towards the same mix of their Gram matrices, so that styles run into each
            other evenly.
        step: global step; the pixel loss leads until `warm_up` is over.
        params: as in `model_fn`.
        picture: dict style layer -> float32 [N, h, w, C], features of each sample's own picture, or None.
        further: dict of further terms, float32 [N], by name (teacher, steady), or None.

    Returns:
        dict of PARTS -> float32 scalar; 'total' is what is minimised.
    """
    weights = params['vgg19']
    content_layers, style_layers = params['content_layers'], params['style_layers']
    with tf.name_scope('perceptual'):
        painted = vgg.features(restyled, set(content_layers) | set(style_layers), weights)
        wanted = vgg.features(photo, content_layers, weights)  # no deeper than content needs
        identity = mix[:, -1]
        painting = 1.0 - identity
        # Where all is `identity` the losses of style count nothing, but must not be NaN.
        shares = tf.where(painting > 0, mix[:, :-1], tf.ones_like(mix[:, :-1]))
        shares /= tf.reduce_sum(shares, 1, keepdims=True)  # [N, S], or [N, S + 1] with pictures
        targets = mixed_targets('gram', params['grams'], losses.mean_gram, shares, picture)  # [N, C, C]
        terms = painting_terms(painted, wanted, targets, restyled, params)
        total = painting_total(terms, params)
        further = dict(further or {})
        if params['moments_weight']:
            targets = mixed_targets('moments', params['moments'], losses.channel_moments, shares, picture)
            scales = moment_scales(params['moments'])
            further['moments'] = tf.add_n(
                [losses.moment_loss(losses.channel_moments(painted[layer]), targets[layer], scales[layer])
                 for layer in style_layers]) / len(style_layers)
        if params['evenness_weight']:
            further['evenness'] = evenness.evenness_loss(restyled, photo)
        for name in FURTHER:
            terms[name] = further.get(name, tf.zeros_like(total))
            total += params[name + '_weight'] * terms[name]
        pixel = losses.pixel_loss(restyled, photo)
        total *= painting
        total += params['identity_weight'] * pixel * identity
        painted_share = warm_up(step, params['warmup_steps'])
        total = (painted_share * total
                 + (1.0 - painted_share) * params['identity_weight'] * pixel)
        prices = penalty_terms(activations)
        parts = {name: mean_over(term, painting) for name, term in terms.items()}
        parts.update(prices, identity_pixel=mean_over(pixel, identity))
        parts['total'] = tf.reduce_mean(total) + tf.add_n(
            [params[name + '_weight'] * price for name, price in sorted(prices.items())])
    return parts


def mixed_targets(name, of_paintings, measure, shares, picture=None):
    """What each sample's mix is to look like: the same mix of what is known of the paintings.

    Args:
        name: of the variables.
        of_paintings: dict style layer -> float32 [S, ...].
        measure: function of features, float32 [N, h, w, C], that gives float32 [N, ...].
        shares: float32 [N, S], which sum to one; with `picture` [N, S + 1].
        picture: as in `training_losses`.

    Returns:
        dict style layer -> float32 [N, ...].
    """
    named = shares if picture is None else shares[:, :-1]
    with tf.variable_scope('targets', reuse=tf.AUTO_REUSE):
        targets = {layer: tf.tensordot(named, vgg.local_variable('%s_%s' % (name, layer), values), 1)
                   for layer, values in of_paintings.items()}
    if picture is not None:
        for layer in targets:
            targets[layer] += shares[:, -1:, None] * measure(picture[layer])
    return targets


def warm_up(step, steps):
    """The share of the perceptual losses: 0 for `steps`, then rising to 1 over five times as many.

    Faced with the style at full weight at once, a network that barely knows the photo paints one
    regular pattern over everything, and takes long to find back.
    """
    if not steps:
        return 1.0
    return tf.clip_by_value((tf.cast(step, tf.float32) - steps) / (5.0 * steps), 0.0, 1.0)


def relative_feature_loss(features, target):
    """Formula (9) over the photo's own mean square: the same scale for every loss network."""
    own = tf.reduce_mean(tf.square(target), [1, 2, 3])
    return losses.feature_loss(features, target) / tf.maximum(own, SMALLEST_SQUARE)


def mean_over(values, shares):
    """The mean of float32 [N] by the samples' shares [N] in [0, 1]; 0 where all shares are 0."""
    return tf.reduce_sum(values * shares) / tf.maximum(tf.reduce_sum(shares), 1e-6)
