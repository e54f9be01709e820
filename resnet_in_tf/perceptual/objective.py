"""The objective that training, NAAS and the measures share: formula (6) and what stands beside it."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import losses, vgg


def perceptual_losses(photo, restyled, mix, step, params):
    """Formula (6) for the styles, a pixel loss for `identity`, and total variation for both.

    Args:
        photo, restyled: float32 [N, H, W, 3] in [0, 255].
        mix: float32 [N, S + 1], the shares of the paintings and of `identity`. A mix of paintings
            is trained towards the same mix of their Gram matrices, so that styles run into each
            other evenly.
        step: global step; the pixel loss leads until `warm_up` is over.
        params: as in `model_fn`.

    Returns:
        (total, parts): float32 scalar, and dict of named scalars that TensorBoard shows.
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
        shares /= tf.reduce_sum(shares, 1, keepdims=True)  # [N, S]
        targets = {layer: tf.tensordot(
            shares, vgg.local_variable('gram_' + layer, params['grams'][layer]), 1)
                   for layer in style_layers}  # [N, C, C]
        content = tf.add_n([relative_feature_loss(painted[layer], wanted[layer])
                            for layer in content_layers]) / len(content_layers)
        style_loss = losses.style_loss({layer: losses.mean_gram(painted[layer])
                                        for layer in style_layers},
                                       targets, losses.relative_layer_weights(targets))
        variation = losses.total_variation(restyled)
        pixel = losses.pixel_loss(restyled, photo)
        total = (losses.total_loss(style_loss, content, params['style_weight'],
                                   params['content_weight'])
                 + params['tv_weight'] * variation) * painting
        total += params['identity_weight'] * pixel * identity
        painted_share = warm_up(step, params['warmup_steps'])
        total = (painted_share * total
                 + (1.0 - painted_share) * params['identity_weight'] * pixel)
        parts = {'total': tf.reduce_mean(total),
                 'content': mean_over(content, painting), 'style': mean_over(style_loss, painting),
                 'total_variation': mean_over(variation, painting),
                 'identity_pixel': mean_over(pixel, identity)}
    return parts['total'], parts


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
    return losses.feature_loss(features, target) / tf.maximum(own, 1e-6)


def mean_over(values, shares):
    """The mean of float32 [N] by the samples' shares [N] in [0, 1]; 0 where all shares are 0."""
    return tf.reduce_sum(values * shares) / tf.maximum(tf.reduce_sum(shares), 1e-6)
