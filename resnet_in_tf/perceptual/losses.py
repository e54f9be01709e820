"""The paper's losses: formulas (2) to (6), (9), and total variation.

Where the text is loose, this reading is taken. Under (4) the paper calls M and N height and width;
Gatys et al. 2016, whose formula it is, mean N channels and M positions, and so does this file.
A painting and a crop differ in size, so each Gram matrix is divided by its own M before the
difference is taken; where the sizes agree, that is (4) to the letter.
Every function keeps the samples apart: losses are float32 [N].
"""

import tensorflow.compat.v1 as tf

SMALLEST_VARIANCE = 1e-6  # the slope of a square root has no bound at zero


def content_loss(features, target):
    """Formula (2): half the summed squared difference of features.

    Args:
        features: float32 [N, H, W, C], of the stylized picture.
        target: float32 [N, H, W, C], of the photo.

    Returns:
        float32 [N].
    """
    return 0.5 * tf.reduce_sum(tf.squared_difference(features, target), [1, 2, 3])


def feature_loss(features, target):
    """Formula (9): the squared Euclidean distance of features over C*H*W.

    Args and Returns as `content_loss`.
    """
    return tf.reduce_mean(tf.squared_difference(features, target), [1, 2, 3])


def gram_matrix(features):
    """Formula (3): inner products of every pair of channels over all positions.

    Args:
        features: float32 [N, H, W, C].

    Returns:
        float32 [N, C, C].
    """
    size = tf.shape(features)
    flat = tf.reshape(features, [size[0], size[1] * size[2], features.shape.as_list()[-1]])  # [N, H*W, C]
    return tf.matmul(flat, flat, transpose_a=True)


def mean_gram(features):
    """The Gram matrix (3) over the number of positions M, so that sizes can be compared.

    Args and Returns as `gram_matrix`.
    """
    size = tf.shape(features)
    return gram_matrix(features) / tf.cast(size[1] * size[2], tf.float32)


def style_layer_loss(gram, target):
    """Formula (4), E_l: the squared difference of mean Gram matrices over 4*C^2.

    Args:
        gram: float32 [N, C, C], `mean_gram` of the stylized picture.
        target: float32 [N, C, C] or [C, C], `mean_gram` of the painting.

    Returns:
        float32 [N].
    """
    channels = gram.shape.as_list()[-1]
    return tf.reduce_sum(tf.squared_difference(gram, target), [1, 2]) / (4.0 * channels ** 2)


def style_loss(grams, targets, layer_weights):
    """Formula (5): the weighted sum of (4) over layers.

    Args:
        grams, targets: dicts layer -> as in `style_layer_loss`.
        layer_weights: dict layer -> omega_l, a number or float32 [N].

    Returns:
        float32 [N].
    """
    return tf.add_n([layer_weights[layer] * style_layer_loss(grams[layer], targets[layer])
                     for layer in sorted(grams)])


def relative_layer_weights(targets):
    """The omega_l of (5) that make an empty picture's style loss one, each layer with an equal share.

    Args:
        targets: dict layer -> float32 [N, C, C].

    Returns:
        dict layer -> float32 [N]: 1 / (layers * E_l(0, target)).
    """
    return {layer: 1.0 / (len(targets) * style_layer_loss(tf.zeros_like(target), target))
            for layer, target in targets.items()}


def channel_moments(features):
    """Mean and deviation of every channel over all positions.

    Args:
        features: float32 [N, H, W, C].

    Returns:
        float32 [N, 2, C].
    """
    mean, variance = tf.nn.moments(features, [1, 2])  # [N, C]
    return tf.stack([mean, tf.sqrt(variance + SMALLEST_VARIANCE)], 1)


def moment_loss(moments, target, scale):
    """Squared difference of means and deviations, each in units of its channel (Li et al. 2017).

    A Gram matrix is ruled by the few channels that are loud; here the faint ones count as much.

    Args:
        moments, target: float32 [N, 2, C], as in `channel_moments`.
        scale: float32 [C], the unit of each channel.

    Returns:
        float32 [N].
    """
    return tf.reduce_mean(tf.square((moments - target) / scale), [1, 2])


def total_loss(style, content, style_weight, content_weight):
    """Formula (6): alpha * style + beta * content, float32 [N]."""
    return style_weight * style + content_weight * content


def total_variation(image):
    """Mean squared difference of neighbouring pixels, in units of [0, 1] (Johnson et al. 2016).

    Args:
        image: float32 [N, H, W, 3] in [0, 255].

    Returns:
        float32 [N].
    """
    image = image / 255.0
    down = tf.squared_difference(image[:, 1:], image[:, :-1])
    right = tf.squared_difference(image[:, :, 1:], image[:, :, :-1])
    return tf.reduce_mean(down, [1, 2, 3]) + tf.reduce_mean(right, [1, 2, 3])


def pixel_loss(image, target):
    """Mean squared difference of pixels in units of [0, 1]: what trains the `identity` row.

    Args:
        image, target: float32 [N, H, W, 3] in [0, 255].

    Returns:
        float32 [N].
    """
    return tf.reduce_mean(tf.squared_difference(image / 255.0, target / 255.0), [1, 2, 3])
