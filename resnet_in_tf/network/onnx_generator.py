"""A generator with instance norms as an ONNX network, from the numbers that it has learnt: no TensorFlow.

What onnxruntime is quick with: channels first from end to end, a norm as one node, all of a style's numbers
as one row of one table. The steps that tiles look for have names.
"""

import json

import numpy as np

from resnet_in_tf.network import onnx_format
from resnet_in_tf.network.interface import IMAGE, ROW, SMALLEST, STYLE_WEIGHTS, STYLIZED
from resnet_in_tf.network.layers import (
    CONV,
    GIVEN,
    LAST_LAYER,
    MATRIX,
    MIXED,
    NORM_EPSILON,
    OWN,
    PALETTES,
    PHOTO,
    RESIDUAL_BLOCKS,
    SHIFT,
    SHIFTED,
    norm_scopes,
)
from resnet_in_tf.pictures.color import TO_RGB, TO_YUV
from resnet_in_tf.pictures.palette import EPSILON, LOWER, NUMBERS

OPSET, IR_VERSION = 12, 7
STRIDES = {'generator/down/conv2': 2, 'generator/down/conv3': 2}
HALVED = 100  # numbers: kernels of more may be kept in float16


def model(variables, style_names, card, half=False, predictor=None):
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
        x = take_on(steps, x, wanted_palette(steps, photo, wanted, styles))
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
    """Whether a network is one that `model` writes: the generator's layers with an instance norm behind each.

    Args:
        variables: as in `model`.
        nodes: names of the frozen graph's nodes.
    """
    scopes = norm_scopes()
    learnt = ['%s/%s' % (scope, name) for scope in scopes for name in ('kernel', 'gamma', 'beta')]
    return set(learnt + [LAST_LAYER + '/bias']) <= set(variables) and (
        {scope + '/instance_norm/shifted' for scope in scopes} <= set(nodes))


class Steps:
    """Nodes and constants of a network that is being written.

    Args:
        half: as in `model`.
    """

    def __init__(self, half=False):
        self.nodes, self.tensors, self.half, self.known = [], {}, half, {}

    def add(self, op, *inputs, **attributes):
        """Adds an operation; returns the name of its output, `name` where it is given."""
        name = attributes.pop('name', None) or '%s_%d' % (op.lower(), len(self.nodes))
        self.nodes.append(onnx_format.node(op, inputs, [name], **attributes))
        return name

    def split(self, x, names, sizes):
        """Splits the columns of [N, K] into outputs of these names."""
        self.nodes.append(onnx_format.node('Split', [x], names, axis=1, split=[int(size) for size in sizes]))
        return names

    def constant(self, value, name=None):
        """A constant's name; equal ones without a name are one."""
        value = np.asarray(value)
        key = (value.dtype.str, value.shape, value.tobytes()) if name is None else name
        if key not in self.known:
            name = self.known[key] = name or 'constant_%d' % len(self.known)
            self.tensors[name] = onnx_format.constant(name, value)
        return self.known[key]

    def kernel(self, name, value):
        """The kernel of a convolution, [h, w, C, F] in the frozen graph."""
        value = np.transpose(value, [3, 2, 0, 1])
        if not self.half or value.size < HALVED:
            return self.constant(value, name)
        return self.add('Cast', self.constant(value.astype(np.float16), name + '_half'), name=name, to=1)

    def number(self, value):
        """A number in float32."""
        return self.constant(np.float32(value))

    def integers(self, *values):
        """int64 [K]."""
        return self.constant(np.array(values, np.int64))

    def scaled(self, x, factor):
        """x times a number."""
        return self.add('Mul', x, self.number(factor))

    def columns(self, x, count):
        """The columns of [N, K], each [N, 1]."""
        first = len(self.nodes)
        return self.split(x, ['column_%d_%d' % (first, number) for number in range(count)], [1] * count)


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
        names, sizes = names + ['generator/palette/mixed'], sizes + [NUMBERS]
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
    def conv(x, scope):
        kernel = variables[scope + '/kernel']
        stride = STRIDES.get(scope, 1)
        before, after = kernel.shape[0] // 2, kernel.shape[0] // 2 - (stride - 1)
        x = steps.add('Pad', x, steps.integers(0, 0, before, before, 0, 0, after, after), mode='reflect')
        inputs = [x, steps.kernel(scope + '/kernel', kernel)]
        if scope == LAST_LAYER:
            inputs.append(steps.constant(variables[scope + '/bias'], scope + '/bias'))
        return steps.add('Conv', *inputs, name=scope + CONV, strides=[stride, stride],
                         kernel_shape=list(kernel.shape[:2]))

    def layer(x, scope, activation=True):
        x = conv(x, scope)
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
    nothing, twice = [steps.constant(np.array(each, np.float32)) for each in ([], [1, 1, 2, 2])]
    for number in (1, 2):
        x = steps.add('Resize', x, nothing, twice, mode='linear', coordinate_transformation_mode='asymmetric')
        x = layer(x, 'generator/up/conv%d' % number)
    return conv(x, LAST_LAYER)


def photo_share(steps, styles):
    """How far the photo is let through, as generator.let_photo_through has it: [N, 1, 1, 1]."""
    share = steps.add('Slice', STYLE_WEIGHTS, steps.integers(styles - 1), steps.integers(styles),
                      steps.integers(1))
    share = steps.add('Clip', share, steps.number(0.0), steps.number(1.0))
    return steps.add('Reshape', steps.add('Mul', share, share), steps.integers(-1, 1, 1, 1))


def palette_of(steps, x, name):
    """The palette of [N, 3, H, W] in [-1, 1], as palette.palette_of has it: [N, 9]."""
    flat = steps.add('Reshape', x, steps.integers(0, 3, -1))  # [N, 3, P]
    # To YUV first: the variance of a faint colour is no small difference of large numbers then.
    yuv = steps.add('MatMul', steps.constant(TO_YUV), flat)
    mean = steps.add('ReduceMean', yuv, axes=[2], keepdims=1)  # [N, 3, 1]
    centered = steps.add('Sub', yuv, mean)
    ones = []
    for first, second in LOWER:
        pair = [steps.add('Gather', centered, steps.integers(number), axis=1) for number in (first, second)]
        ones.append(steps.add('ReduceMean', steps.add('Mul', *pair), axes=[2], keepdims=0))  # [N, 1]
    factor = cholesky(steps, ones)
    return steps.add('Concat', steps.add('Reshape', mean, steps.integers(0, 3)), *factor, name=name, axis=1)


def cholesky(steps, covariance):
    """The lower factor as palette.cholesky has it: six of [N, 1]."""
    yy, uy, uu, vy, vu, vv = covariance

    def minus(value, *products):
        for pair in products:
            value = steps.add('Sub', value, steps.add('Mul', *pair))
        return value

    def root(value, *products):
        value = minus(steps.add('Add', value, steps.number(EPSILON)), *products)
        return steps.add('Sqrt', steps.add('Max', value, steps.number(0.5 * EPSILON)))

    a = root(yy)
    b, d = steps.add('Div', uy, a), steps.add('Div', vy, a)
    c = root(uu, (b, b))
    e = steps.add('Div', minus(vu, (d, b)), c)
    return [a, b, c, d, e, root(vv, (d, d), (e, e))]


def wanted_palette(steps, photo, mixed, styles):
    """The mix of the styles' palettes, with the photo's for the share of `identity`: [N, 9]."""
    own = palette_of(steps, photo, PHOTO)
    identity = steps.add('Slice', STYLE_WEIGHTS, steps.integers(styles - 1), steps.integers(styles),
                         steps.integers(1))
    return steps.add('Add', mixed, steps.add('Mul', identity, own))


def take_on(steps, x, wanted):
    """Gives [N, 3, H, W] in [-1, 1] a palette, as palette.take_on and palette.clip do."""
    x = steps.add('Identity', x, name=GIVEN)
    own = steps.columns(palette_of(steps, x, OWN), NUMBERS)
    wanted = steps.columns(wanted, NUMBERS)
    lower = product(steps, wanted[3:], inverse(steps, own[3:]))
    shift = []
    for row, value in enumerate(wanted[:3]):
        for column in range(row + 1):
            value = steps.add('Sub', value, steps.add('Mul', lower[LOWER.index((row, column))], own[column]))
        shift.append(value)
    places = np.zeros([len(LOWER), 3, 3])
    for number, place in enumerate(LOWER):
        places[number][place] = 1
    to_rgb = np.stack([(TO_RGB.astype(np.float64) @ each @ TO_YUV).T.ravel() for each in places])  # [6, 9]
    lower = steps.add('Concat', *lower, axis=1)
    matrix = steps.add('MatMul', lower, steps.constant(to_rgb.astype(np.float32)), name=MATRIX)  # [N, 9]
    shift = steps.add('MatMul', steps.add('Concat', *shift, axis=1), steps.constant(TO_RGB.T), name=SHIFT)
    matrix = steps.add('Transpose', steps.add('Reshape', matrix, steps.integers(-1, 3, 3)), perm=[0, 2, 1])
    size = steps.add('Shape', x)
    x = steps.add('MatMul', matrix, steps.add('Reshape', x, steps.integers(0, 3, -1)))  # [N, 3, P]
    x = steps.add('Add', x, steps.add('Reshape', shift, steps.integers(-1, 3, 1)))
    return steps.add('Reshape', steps.add('Clip', x, steps.number(-1.0), steps.number(1.0)), size)


def inverse(steps, factor):
    """The inverse of a lower triangle whose diagonal is above zero, as six of [N, 1]."""
    a, b, c, d, e, f = factor
    x, y, z = [steps.add('Reciprocal', each) for each in (a, c, f)]

    def times(*values):
        result = values[0]
        for value in values[1:]:
            result = steps.add('Mul', result, value)
        return result

    corner = steps.add('Sub', times(b, e), times(c, d))
    return [x, steps.add('Neg', times(b, x, y)), y, times(corner, x, y, z),
            steps.add('Neg', times(e, y, z)), z]


def product(steps, left, right):
    """The product of two lower triangles, each six of [N, 1]."""
    made = []
    for row, column in LOWER:
        parts = [steps.add('Mul', left[LOWER.index((row, inner))], right[LOWER.index((inner, column))])
                 for inner in range(column, row + 1)]
        total = parts[0]
        for part in parts[1:]:
            total = steps.add('Add', total, part)
        made.append(total)
    return made
