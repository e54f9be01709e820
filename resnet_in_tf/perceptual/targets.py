"""What the losses compare with: Gram matrices and channel moments of paintings."""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import session_config
from resnet_in_tf.perceptual import losses, vgg


def style_targets(paintings, layers, weights):
    """The Gram matrices (3) of the paintings, each over its own number of positions.

    Args:
        paintings: list of uint8 [H, W, 3].
        layers: VGG-19 layers.
        weights: vgg.LossNetwork.

    Returns:
        dict layer -> numpy float32 [S, C, C].
    """
    return of_paintings(losses.mean_gram, paintings, layers, weights)


def moment_targets(paintings, layers, weights):
    """Mean and deviation of every channel in the paintings: dict layer -> numpy float32 [S, 2, C].

    Args as in `style_targets`.
    """
    return of_paintings(losses.channel_moments, paintings, layers, weights)


def moment_scales(moments):
    """The unit of each channel: its deviation, over all paintings.

    Args:
        moments: dict layer -> float32 [S, 2, C], as in `moment_targets`.

    Returns:
        dict layer -> float32 [C]; a channel that is silent in all has a hundredth of the layer's own.
    """
    found = {layer: np.sqrt(np.mean(np.square(values[:, 1]), 0)) for layer, values in moments.items()}
    return {layer: np.maximum(scale, np.float32(scale.mean() / 100 + 1e-6)) for layer, scale in found.items()}


def of_paintings(measure, paintings, layers, weights):
    """A measure of each painting's features, by itself: dict layer -> numpy float32 [S, ...].

    Args:
        measure: function of float32 [1, h, w, C] that gives float32 [1, ...].
        paintings, layers, weights: as in `style_targets`.
    """
    found = {layer: [] for layer in layers}
    for painting in paintings:
        with tf.Graph().as_default(), tf.Session(config=session_config()) as session:
            image = tf.constant(painting[None], tf.float32)
            measured = {layer: measure(feature) for layer, feature
                        in vgg.features(image, layers, weights).items()}
            session.run(tf.local_variables_initializer())
            for layer, values in session.run(measured).items():
                found[layer].append(values[0])
    return {layer: np.stack(values) for layer, values in found.items()}
