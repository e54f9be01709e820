"""Small ONNX networks with random weights, made without TensorFlow: what the light lane is tested with."""

import numpy as np

from resnet_in_tf.network import interface, onnx_format, onnx_generator, onnx_predictor, onnx_steps
from resnet_in_tf.network.layers import (
    FIRST_KERNEL,
    LAST_LAYER,
    PALETTES,
    norm_channels,
    norm_scopes,
    row_size,
)

STYLE_NAMES = ['wave', 'udnie', 'identity']
WIDTH = 4


def variables(palette=True, width=WIDTH, seed=0):
    """What a generator has learnt, drawn by lot: dict of names -> float32, as of frozen.read_variables."""
    random, made, before = np.random.RandomState(seed), {}, 3
    sizes = {FIRST_KERNEL[:-len('/kernel')]: 9}
    for scope, channels in zip(norm_scopes(), norm_channels(width)):
        made[scope + '/kernel'] = kernel(random, sizes.get(scope, 3), before, channels)
        for name, middle in (('gamma', 1), ('beta', 0)):
            made['%s/%s' % (scope, name)] = middle + .3 * random.randn(len(STYLE_NAMES), channels)
        before = channels
    made[LAST_LAYER + '/kernel'] = kernel(random, 9, before, 3)
    made[LAST_LAYER + '/bias'] = .2 * random.randn(3)
    if palette:
        made[PALETTES] = .2 * random.randn(len(STYLE_NAMES), 9) + [0, 0, 0, .5, 0, .3, 0, 0, .3]
    return {name: value.astype(np.float32) for name, value in made.items()}


def kernel(random, size, before, channels):
    """A kernel that keeps the size of what goes through: [size, size, before, channels]."""
    return random.randn(size, size, before, channels) * (size * size * before) ** -.5


def write(path, palette=True, predictor=True, half=False):
    """Writes a network and, beside it, a style predictor; returns the path."""
    checksum = None
    if palette and predictor:
        data = predictor_data()
        checksum = onnx_predictor.checksum(data)
        with open(onnx_predictor.beside(str(path)), 'wb') as file:
            file.write(data)
    with open(str(path), 'wb') as file:
        file.write(onnx_generator.serialized(variables(palette), STYLE_NAMES, {'steps': 7}, half, checksum))
    return str(path)


def predictor_data(seed=0):
    """A style predictor that goes by the mean colour of a painting: bytes of an ONNX file."""
    random, steps = np.random.RandomState(seed), onnx_steps.Steps()
    table = np.concatenate([.01 * random.randn(3, row_size(WIDTH) - 9), .004 * np.eye(3, 9)], 1)
    x = steps.add('Transpose', interface.STYLE_IMAGE, perm=[0, 3, 1, 2])
    x = steps.add('Conv', x, steps.constant(np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)))
    x = steps.add('ReduceMean', x, axes=[2, 3], keepdims=0)
    steps.add('MatMul', x, steps.constant(table.astype(np.float32)), name=interface.STYLE_ROW)
    head = onnx_format.head_of(onnx_steps.OPSET, onnx_steps.IR_VERSION, 'Style predictor', {})
    return onnx_format.write(onnx_format.Model(
        steps.nodes, steps.tensors, [onnx_format.value(interface.STYLE_IMAGE, 'N', 'H', 'W', 3)],
        [onnx_format.value(interface.STYLE_ROW, 'N', row_size(WIDTH))], head, False))
