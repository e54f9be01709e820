"""What the losses compare with: their layers for each kind of weights, and Gram matrices of paintings."""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.perceptual import losses, vgg

# Layers of the losses by kind of VGG-19 weights: Gatys et al. 2016 for ImageNet's.
IMAGENET_LAYERS = {'content': ('relu4_2',),
                   'style': ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1')}
RANDOM_LAYERS = {'content': ('lightness', 'relu3_1'),
                 'style': ('input', 'relu1_1', 'relu2_1', 'relu3_1', 'relu4_1')}


def default_layers(vgg_weights, kind):
    """The layers of a loss ('content' or 'style') for a value of --vgg_weights."""
    return (RANDOM_LAYERS if vgg_weights.startswith('random') else IMAGENET_LAYERS)[kind]


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
        with tf.Graph().as_default(), tf.Session() as session:
            image = tf.constant(painting[None], tf.float32)
            grams = {layer: losses.mean_gram(feature) for layer, feature
                     in vgg.features(image, layers, weights).items()}
            session.run(tf.local_variables_initializer())
            for layer, gram in session.run(grams).items():
                targets[layer].append(gram[0])
    return {layer: np.stack(grams) for layer, grams in targets.items()}
