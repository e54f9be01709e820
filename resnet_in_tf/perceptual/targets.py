"""What the losses compare with: Gram matrices of paintings."""

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
    targets = {layer: [] for layer in layers}
    for painting in paintings:
        with tf.Graph().as_default(), tf.Session(config=session_config()) as session:
            image = tf.constant(painting[None], tf.float32)
            grams = {layer: losses.mean_gram(feature) for layer, feature
                     in vgg.features(image, layers, weights).items()}
            session.run(tf.local_variables_initializer())
            for layer, gram in session.run(grams).items():
                targets[layer].append(gram[0])
    return {layer: np.stack(grams) for layer, grams in targets.items()}
