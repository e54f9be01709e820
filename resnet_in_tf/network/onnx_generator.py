"""A generator with instance norms as an ONNX network, from the numbers that it has learnt: no TensorFlow.

What onnxruntime is quick with: channels first from end to end, a norm as one node, no interpolated picture,
all of a style's numbers as one row of one table. The steps that tiles look for have names.
"""

import json

import numpy as np

from resnet_in_tf.network import onnx_format, onnx_palette
from resnet_in_tf.network.interface import IMAGE, ROW, SMALLEST, STYLE_WEIGHTS, STYLIZED
from resnet_in_tf.network.layers import (
    CONV,
    LAST_LAYER,
    MIXED,
    MIXED_PALETTE,
    NORM_EPSILON,
    PALETTES,
    RESIDUAL_BLOCKS,
    SHIFTED,
    norm_scopes,
)
from resnet_in_tf.network.onnx_steps import IR_VERSION, OPSET, Steps, convolve_to_few, reflected, upsampled
from resnet_in_tf.pictures.palette import NUMBERS

STRIDES = {'generator/down/conv2': 2, 'generator/down/conv3': 2}


def serialized(variables, style_names, card, half=False, predictor=None):
    """Writes a network.

    Args:
        variables: dict from names to float32 arrays, as frozen.read_variables gives it: kernels
            [h, w, C, F], gamma and beta [S, C] of each norm, for a network with a palette its table [S, 9].
        style_names, card: as frozen.read_graph gives them.
        half: whether kernels are kept in float16, half the bytes; they are computed with in float32.
        predictor: str, checksum of the file of its style predictor; None where it has none.

    Returns:
        bytes of an ONNX file, with the inputs image [N, H, W, 3], style_weights [N, S] and with a palette row
        [N, R], zeros where it is not fed, and the output stylized [N, H, W, 3].
    """
    steps = Steps(half)
    styles, palette = len(style_names), variables.get(PALETTES)
    table = row_table(variables)
    image = steps.add('Transpose', IMAGE, perm=[0, 3, 1, 2])  # [N, 3, H, W]
    mixed = steps.add('MatMul', STYLE_WEIGHTS, steps.constant(table))  # [N, R]
    inputs = [onnx_format.value(IMAGE, 'N', 'H', 'W', 3), onnx_format.value(STYLE_WEIGHTS, 'N', styles)]
    if palette is not None:
        mixed = steps.add('Add', mixed, ROW)
        inputs.append(onnx_format.value(ROW, 'rows', table.shape[1]))
        steps.tensors[ROW] = onnx_format.constant(ROW, np.zeros([1, table.shape[1]], np.float32))
    wanted = split_row(steps, mixed, variables)
    x = steps.add('Sub', steps.scaled(image, 1 / 127.5), steps.number(1.0))
    photo = x
    x, top_left, height_width = pad_to_grid(steps, x)
    x = layers(steps, x, variables)
    x = steps.add('Slice', x, top_left, steps.add('Add', top_left, height_width), steps.integers(2, 3))
    share = photo_share(steps, styles)
    if palette is None:
        x = steps.add('Tanh', x)
    else:
        x = onnx_palette.take_on(steps, x, onnx_palette.wanted_palette(steps, photo, wanted, styles))
    x = steps.scaled(steps.add('Add', x, steps.number(1.0)), 127.5)
    x = steps.add('Add', steps.add('Mul', x, steps.add('Sub', steps.number(1.0), share)),
                  steps.add('Mul', image, share))
    steps.add('Transpose', x, name=STYLIZED, perm=[0, 2, 3, 1])
    metadata = {'style_names': json.dumps(style_names), 'card': json.dumps(card, sort_keys=True)}
    if predictor:
        metadata['predictor'] = predictor
    head = onnx_format.head_of(OPSET, IR_VERSION, 'Style transfer; image and stylized are RGB in [0, 255]',
                               metadata)
    return onnx_format.write(onnx_format.Model(
        steps.nodes, steps.tensors, inputs, [onnx_format.value(STYLIZED, 'N', 'H', 'W', 3)], head, False))


def can_write(variables, nodes):
    """Whether `serialized` writes a network: it has the generator's layers, an instance norm behind each.

    Args:
        variables: as in `serialized`.
        nodes: names of the frozen graph's nodes.
    """
    scopes = norm_scopes()
    learnt = ['%s/%s' % (scope, name) for scope in scopes for name in ('kernel', 'gamma', 'beta')]
    return set(learnt + [LAST_LAYER + '/bias']) <= set(variables) and (
        {scope + '/instance_norm' + SHIFTED for scope in scopes} <= set(nodes))


def row_table(variables):
    """Each style's numbers as one row, in the order of generator.split_row: float32 [S, R].

    `identity` has no palette of its own: it has the photo's.
    """
    parts = [variables['%s/%s' % (scope, name)] for scope in norm_scopes() for name in ('gamma', 'beta')]
    if PALETTES in variables:
        palettes = np.array(variables[PALETTES])
        palettes[-1] = 0
        parts.append(palettes)
    return np.concatenate(parts, 1)


def split_row(steps, mixed, variables):
    """Gives gamma and beta of each norm their names; returns that of the palette, None without one."""
    names = ['%s/%s' % (scope, name) for scope in norm_scopes() for name in ('gamma', 'beta')]
    sizes = [variables[name].shape[1] for name in names]
    names = [name + MIXED for name in names]
    if PALETTES in variables:
        names, sizes = names + [MIXED_PALETTE], sizes + [NUMBERS]
    last = steps.split(mixed, names, sizes)[-1]
    return last if PALETTES in variables else None


def pad_to_grid(steps, x):
    """Reflects a picture's edges as generator.pad_to_grid does.

    Returns:
        (padded [N, 3, H', W'], where in it the picture starts, int64 [2], and its size, int64 [2]).
    """
    def arithmetic(op, *values):
        return steps.add(op, *[each if isinstance(each, str) else steps.integers(each) for each in values])

    size = steps.add('Slice', steps.add('Shape', x), steps.integers(2), steps.integers(4))  # [2]
    target = arithmetic('Mul', arithmetic('Div', arithmetic('Add', size, 3), 4), 4)
    target = arithmetic('Max', target, SMALLEST)
    before = arithmetic('Div', arithmetic('Sub', target, size), 2)
    period = arithmetic('Max', arithmetic('Mul', arithmetic('Sub', size, 1), 2), 1)
    for axis in (0, 1):
        one = [steps.add('Squeeze', steps.add('Slice', each, steps.integers(axis), steps.integers(axis + 1)),
                         axes=[0]) for each in (target, before, period)]
        number, first, round_ = one
        zero, step = steps.constant(np.int64(0)), steps.constant(np.int64(1))
        index = steps.add('Range', zero, number, step)
        # A whole number of periods on top, so that no number is negative.
        index = steps.add('Add', index, steps.add('Mul', first, steps.add('Sub', round_, step)))
        index = steps.add('Mod', index, round_)
        x = steps.add('Gather', x, steps.add('Min', index, steps.add('Sub', round_, index)), axis=2 + axis)
    return x, before, size


def layers(steps, x, variables):
    """The convolutions and norms, as generator.generator has them: [N, 3, H', W'] to the same."""
    def conv(x, scope, up=False):
        kernel = variables[scope + '/kernel']
        name = steps.kernel(scope + '/kernel', kernel)
        if up:
            x, name, everywhere = upsampled(steps, x, name, kernel.shape[2:])
            x = steps.add('DepthToSpace', steps.add('Conv', x, name), blocksize=2, mode='DCR')
            return steps.add('Add', x, everywhere, name=scope + CONV)
        stride = STRIDES.get(scope, 1)
        x = reflected(steps, x, len(kernel), stride)
        if scope == LAST_LAYER:
            return convolve_to_few(steps, x, name, variables[scope + '/bias'], scope + CONV)
        return steps.add('Conv', x, name, name=scope + CONV, strides=[stride, stride])

    def layer(x, scope, activation=True, up=False):
        x = conv(x, scope, up)
        gamma, beta = [steps.add('Reshape', '%s/%s%s' % (scope, name, MIXED), steps.integers(-1))
                       for name in ('gamma', 'beta')]  # [N*C]
        # Each sample has its own mix: the batch stands in the channels meanwhile.
        x = steps.add('Reshape', x, steps.integers(1, -1, 0, 0))
        x = steps.add('InstanceNormalization', x, gamma, beta, epsilon=NORM_EPSILON)
        channels = variables[scope + '/gamma'].shape[1]
        x = steps.add('Reshape', x, steps.integers(-1, channels, 0, 0), name=scope + SHIFTED)
        return steps.add('Relu', x) if activation else x

    for number in (1, 2, 3):
        x = layer(x, 'generator/down/conv%d' % number)
    for block in range(1, RESIDUAL_BLOCKS + 1):
        scope = 'generator/residual/block%d' % block
        x = steps.add('Add', x, layer(layer(x, scope + '/conv1'), scope + '/conv2', False))
    for number in (1, 2):
        x = layer(x, 'generator/up/conv%d' % number, up=True)
    return conv(x, LAST_LAYER)


def photo_share(steps, styles):
    """How far the photo is let through, as generator.let_photo_through has it: [N, 1, 1, 1]."""
    share = steps.add('Slice', STYLE_WEIGHTS, steps.integers(styles - 1), steps.integers(styles),
                      steps.integers(1))
    share = steps.add('Clip', share, steps.number(0.0), steps.number(1.0))
    return steps.add('Reshape', steps.add('Mul', share, share), steps.integers(-1, 1, 1, 1))
