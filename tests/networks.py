"""Small networks with random weights, frozen as freeze_graph.py freezes trained ones."""

import functools
import json
import os

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.network import frozen, predictor
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.training import style_pictures

CHECKPOINT = os.path.join(os.path.dirname(__file__), '..', 'checkpoints', 'paintings.pb')
STYLE_NAMES = ['wave', 'udnie', 'identity']


def write_random(path, system='resnet_in', width=4, seed=0, encode=None, names=STYLE_NAMES, **card):
    """Writes a .pb whose pictures use the whole range, and returns its path; `card` is added to its card."""
    with open(str(path), 'wb') as file:
        file.write(random_network(system, width, seed, encode, tuple(names), json.dumps(card)))
    return str(path)


@functools.lru_cache(maxsize=16)  # many tests ask for the same one
def random_network(system, width, seed, encode, names, card):
    """The bytes of such a .pb; its card is JSON."""
    random = np.random.RandomState(seed)

    def value(name):
        shape, kind = shape_of(name), name.split('/')[-1]
        if kind == 'deviation' or name.endswith('dense3/bias'):  # rows near one, as untrained
            return np.ones(shape)
        scale = {'kernel': np.prod(shape[:-1]) ** -0.5, 'gamma': 0.3}.get(kind, 0.2)
        middle = {'gamma': 1, 'moving_variance': 1}.get(kind, 0)
        drawn = middle + scale * random.randn(*shape)
        return abs(drawn) if middle else drawn

    return frozen.frozen_graph(list(names), dict(json.loads(card), steps=7), value, system, width,
                               encode).SerializeToString()


def shape_of(name):
    """The shape of a variable of the graph that is being frozen: list of int."""
    return next(each.shape.as_list() for each in tf.global_variables() if each.op.name == name)


def write_any(path, width=4, **card):
    """Writes a .pb of resnet_any with a style predictor that looks through a VGG with random filters."""
    return write_random(path, 'resnet_any', width, encode=vgg_encoder(), **card)


@functools.lru_cache(maxsize=None)
def vgg_encoder():
    return style_pictures.encoder_of(vgg.random_weights(0, ('relu4_1',)))


def encode(painting):
    """A small encoder of paintings: dict of predictor.LAYERS -> float32 [N, h, w, 4]."""
    features, x = {}, painting / 127.5 - 1.0
    for number, layer in enumerate(predictor.LAYERS):
        kernel = 0.3 * np.random.RandomState(number).randn(3, 3, x.shape.as_list()[-1], 4)
        x = tf.nn.relu(tf.nn.conv2d(x, vgg.half_constant(layer + '_kernel', kernel), [1, 1, 1, 1], 'SAME'))
        features[layer] = x
        x = vgg.pool(x, 'max')
    return features


def run(graph_def, fetch, feeds, name=''):
    """What a GraphDef, imported under `name`, gives for `fetch`."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name=name)
        return session.run(fetch, feeds)
