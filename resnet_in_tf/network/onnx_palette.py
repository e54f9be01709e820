"""Palettes in an ONNX network: the steps of `palette`, and the mix of the styles' palettes."""

import numpy as np

from resnet_in_tf.network.interface import STYLE_WEIGHTS
from resnet_in_tf.network.layers import GIVEN, MATRIX, OWN, PHOTO, SHIFT
from resnet_in_tf.pictures.color import TO_RGB, TO_YUV
from resnet_in_tf.pictures.palette import EPSILON, LOWER, NUMBERS


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
