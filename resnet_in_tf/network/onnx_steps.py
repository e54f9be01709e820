"""Nodes of an ONNX network that is being written, and two convolutions as onnxruntime is quick with them."""

import numpy as np

from resnet_in_tf.network import onnx_format
from resnet_in_tf.network.phases import PHASES

OPSET, IR_VERSION = 12, 7
HALVED = 100  # numbers: kernels of more may be kept in float16


class Steps:
    """Nodes and constants of a network that is being written.

    Args:
        half: whether kernels are kept in float16.
        prefix: str, of all names that are not given.
    """

    def __init__(self, half=False, prefix=''):
        self.nodes, self.tensors, self.half, self.known, self.prefix = [], {}, half, {}, prefix

    def add(self, op, *inputs, **attributes):
        """Adds an operation, of names or arrays; returns its output's name, `name` where it is given."""
        inputs = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        name = attributes.pop('name', None) or '%s%s_%d' % (self.prefix, op.lower(), len(self.nodes))
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
            name = self.known[key] = name or '%sconstant_%d' % (self.prefix, len(self.known))
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

    def columns(self, x, count, size=1):
        """The columns of [N, K], or channels of [N, K, H, W], as `count` parts of `size` each."""
        first = len(self.nodes)
        return self.split(x, ['%scolumn_%d_%d' % (self.prefix, first, number)
                              for number in range(count)], [size] * count)


def upsampled(steps, x, kernel, channels):
    """What makes one convolution of interpolation to twice the size, reflection and a 3x3 convolution.

    As cpu_graph.upsampling tells: four kernels, one for each of the positions that are made of one.

    Args:
        steps, x: Steps, and the name of [N, C, H, W].
        kernel: name of [F, C, 3, 3].
        channels: (C, F).

    Returns:
        (the small picture less its first position and with edges, the kernel [4F, C, 3, 3] whose output
        DepthToSpace spreads, what that position gives everywhere [N, F, 1, 1]): names.
    """
    inputs, filters = [int(count) for count in channels]
    flat = steps.add('Reshape', kernel, steps.integers(-1, 9))
    spread = steps.add('MatMul', flat, PHASES.T.astype(np.float32))  # [F*C, 36]
    spread = steps.add('Reshape', spread, steps.integers(filters, inputs, 4, 9))
    spread = steps.add('Reshape', steps.add('Transpose', spread, perm=[2, 0, 1, 3]),
                       steps.integers(4 * filters, inputs, 3, 3))
    sums = steps.add('MatMul', flat, np.ones([9, 1], np.float32))
    sums = steps.add('Reshape', sums, steps.integers(filters, inputs, 1, 1))
    # The kernels round each in its own way: where x is flat they are given zeros.
    origin = steps.add('Slice', x, steps.integers(0, 0), steps.integers(1, 1), steps.integers(2, 3))
    x = steps.add('Sub', x, origin)
    x = steps.add('Pad', x, steps.integers(0, 0, 1, 1, 0, 0, 0, 0), mode='reflect')
    x = steps.add('Pad', x, steps.integers(0, 0, 0, 0, 0, 0, 1, 1), mode='edge')
    return x, spread, steps.add('Conv', origin, sums)


def moments(steps, x):
    """Mean and variance over positions of [N, C, H, W], each [N, C, 1, 1]: names."""
    mean = steps.add('ReduceMean', x, axes=[2, 3], keepdims=1)
    centered = steps.add('Sub', x, mean)
    return mean, steps.add('ReduceMean', steps.add('Mul', centered, centered), axes=[2, 3], keepdims=1)


def reflected(steps, x, size, stride=1):
    """Reflects the edges of [N, C, H, W] as generator.conv does for kernels of a size."""
    before, after = size // 2, size // 2 - (stride - 1)
    return steps.add('Pad', x, steps.integers(0, 0, before, before, 0, 0, after, after), mode='reflect')


def convolve_to_few(steps, x, kernel, bias, name):
    """Convolves to few channels, four positions at once: onnxruntime computes 8 or 16 where there are 3.

    Args:
        steps, x: Steps, and the name of [N, C, H + K - 1, W + K - 1], H and W even.
        kernel: name of [F, C, K, K].
        bias: float32 [F].
        name: of the result, [N, F, H, W].
    """
    kernels = [steps.add('Pad', kernel, steps.integers(0, 0, row, column, 0, 0, 1 - row, 1 - column))
               for row in (0, 1) for column in (0, 1)]
    x = steps.add('Conv', x, steps.add('Concat', *kernels, axis=0), np.tile(bias, 4),
                  strides=[2, 2])
    return steps.add('DepthToSpace', x, name=name, blocksize=2, mode='DCR')
