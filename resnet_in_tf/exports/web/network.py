"""A generator as two ONNX graphs for the browser: for whole pictures, and for tiles with given statistics.

Both are built here, layer by layer as `generator.generator` has them, rather than converted: reflection and
convolution, an instance norm of a few plain operations, and no padding, cropping, styles or palettes, which
the page does. Kernels lie in one file beside them that both share.
"""

import collections

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, onnx_format, onnx_steps
from resnet_in_tf.network.layers import LAST_LAYER, PALETTES, RESIDUAL_BLOCKS, norm_scopes
from resnet_in_tf.network.onnx_steps import reflected, upsampled
from resnet_in_tf.tiles.network import find_norms

WEIGHTS = 'weights.bin'  # the name by which both graphs know the file
SMALL = 100  # numbers: a constant of fewer stands in the graph itself
ALIGNMENT = 64  # bytes

Network = collections.namedtuple('Network', 'whole tiles weights table palettes')
Network.__doc__ = """What the browser runs.

Fields:
    whole: bytes of the graph from image [1, 3, H, W] in [0, 255], H and W multiples of 4 from 16 up, and a
        style's row [1, K] to painted [1, 3, H, W] in [-1, 1], and to affine [1, K]: scale and shift of
        every norm.
    tiles: bytes of the graph from image and affine to painted.
    weights: bytes of the file beside them.
    table: float32 [S, K], the row of every style: gamma and beta of every norm.
    palettes: float32 [S, 9], or None where the network has none.
"""


class Graph(onnx_steps.Steps):
    """Steps whose large constants lie in the file beside.

    Args:
        weights: Weights that they go to.
    """

    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def constant(self, value, name=None):
        """The name of a constant, one that Weights keeps where it is large."""
        if np.size(value) < SMALL:
            return super().constant(value, name)
        dtype, offset, length = self.weights.add(value)
        name = 'weights_%d_%s' % (offset, 'x'.join(map(str, np.shape(value))))
        self.tensors[name] = onnx_format.constant_beside(
            name, np.shape(value), dtype, WEIGHTS, offset, length)
        return name if dtype == np.float32 else self.add('Cast', name, to=1)

    def finish(self, inputs, outputs, description):
        """The bytes of the ONNX file; inputs and outputs are dicts from names to shapes."""
        inputs, outputs = [[onnx_format.value(name, *shape) for name, shape in each.items()]
                           for each in (inputs, outputs)]
        head = onnx_format.head_of(onnx_steps.OPSET, onnx_steps.IR_VERSION, description, {})
        return onnx_format.write(onnx_format.Model(self.nodes, self.tensors, inputs, outputs, head, False))


class Weights:
    """Large constants, each once, one after the other.

    Args:
        dtype: np.float16 or np.float32, the type they are kept in.
    """

    def __init__(self, dtype):
        self.dtype, self.data, self.places = dtype, bytearray(), {}

    def add(self, array):
        """Keeps an array: (its dtype there, offset, length)."""
        with np.errstate(over='ignore'):
            data = np.asarray(array, self.dtype).tobytes()
        if data not in self.places:
            self.data += bytes(-len(self.data) % ALIGNMENT)
            self.places[data] = len(self.data)
            self.data += data
        return self.dtype, self.places[data], len(data)


def build(graph_def, dtype):
    """Builds both graphs of a frozen network.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it.
        dtype: np.float16 or np.float32, the type that kernels are kept in.

    Returns:
        Network.

    Raises:
        UserError: the network's norms are no instance norms.
    """
    variables = frozen.read_variables(graph_def)
    norms, scopes = find_norms(graph_def), norm_scopes()
    if [norm.scope.rpartition('/')[0] for norm in norms] != scopes:
        raise UserError('--format web: takes networks of resnet_in and resnet_any; this one has other '
                        'norms: --format onnx takes it')
    weights = Weights(dtype)
    palettes = variables.get(PALETTES)
    made = [one_graph(variables, norms[0].epsilon, Graph(weights), tiles, palettes is not None)
            for tiles in (False, True)]
    table = np.concatenate([variables['%s/%s' % (scope, name)] for scope in scopes
                            for name in ('gamma', 'beta')], axis=1)
    return Network(made[0], made[1], bytes(weights.data), table.astype(np.float32), palettes)


def one_graph(variables, epsilon, graph, tiles, has_palette):
    """The bytes of one of both graphs; `tiles` tells whether statistics are given."""
    add = graph.add
    kernels = {name.rpartition('/')[0]: np.transpose(value, [3, 2, 0, 1])  # [F, C, height, width]
               for name, value in variables.items() if name.endswith('/kernel')}
    channels = [len(kernels[scope]) for scope in norm_scopes()]
    given, slices, start = 'affine' if tiles else 'row', {}, 0
    for scope, count in zip(norm_scopes(), channels):
        # [1, C] each: gamma and beta, or scale and shift
        slices[scope] = [add('Slice', given, np.array([begin]), np.array([begin + count]), np.array([1]))
                         for begin in (start, start + count)]
        start += 2 * count
    affine = []

    def layer(x, scope, stride=1, relu=True, up=False):
        kernel, (first, second) = kernels[scope], slices[scope]
        count = len(kernel)
        everywhere = None
        if up:
            x, kernel, everywhere = upsampled(graph, x, graph.constant(kernel), kernel.shape[1::-1])
            everywhere = add('Reshape', everywhere, np.array([1, count]))
        else:
            x, kernel = reflected(graph, x, kernel.shape[2], stride), graph.constant(kernel)
        if tiles:
            if up:
                second = add('Add', second, add('Mul', first, everywhere))
                first, second = [add('Concat', *[each] * 4, axis=1) for each in (first, second)]
            kernel = add('Mul', kernel, add('Reshape', first, np.array([-1, 1, 1, 1])))
            x = add('Conv', x, kernel, add('Reshape', second, np.array([-1])), strides=[stride] * 2)
            x = add('Relu', x) if relu else x
            return add('DepthToSpace', x, blocksize=2, mode='DCR') if up else x
        x = add('Conv', x, kernel, strides=[stride] * 2)
        x = add('DepthToSpace', x, blocksize=2, mode='DCR') if up else x
        x, scale, shift = normalized(graph, x, first, second, epsilon, count, everywhere)
        affine.extend([scale, shift])
        return add('Relu', x) if relu else x

    x = add('Sub', add('Mul', 'image', np.float32(1 / 127.5)), np.float32(1))
    x = layer(x, 'generator/down/conv1')
    for name in ('conv2', 'conv3'):
        x = layer(x, 'generator/down/' + name, stride=2)
    for block in range(1, RESIDUAL_BLOCKS + 1):
        scope = 'generator/residual/block%d/' % block
        x = add('Add', x, layer(layer(x, scope + 'conv1'), scope + 'conv2', relu=False))
    for name in ('conv1', 'conv2'):
        x = layer(x, 'generator/up/' + name, up=True)
    x = add('Conv', reflected(graph, x, 9), kernels[LAST_LAYER],
            np.asarray(variables[LAST_LAYER + '/bias'], np.float32))
    add('Identity' if has_palette else 'Tanh', x, name='painted')
    picture, numbers = [1, 3, 'H', 'W'], [1, start]
    if tiles:
        return graph.finish({'image': picture, 'affine': numbers}, {'painted': picture},
                            'A tile; statistics of the norms are given')
    add('Concat', *affine, axis=1, name='affine')
    return graph.finish({'image': picture, 'row': numbers}, {'painted': picture, 'affine': numbers},
                        'A whole picture')


def normalized(graph, x, gamma, beta, epsilon, channels, everywhere):
    """Formula (11), deviations before squares, as `instance_norm.reference` has it.

    Returns:
        (y, scale [1, C], shift [1, C]): names; y is scale * x + shift, had x what comes `everywhere`.
    """
    add, as_map, as_row = graph.add, np.array([1, channels, 1, 1]), np.array([1, channels])
    mean = add('ReduceMean', x, axes=[2, 3])  # [1, C, 1, 1]
    x = add('Sub', x, mean)
    size = add('Slice', add('Shape', x), np.array([2]), np.array([4]))
    positions = add('ReduceProd', add('Cast', size, to=1), keepdims=1)  # [1]
    variance = add('Div', add('ReduceSumSquare', x, axes=[2, 3]), positions)
    deviation = add('Sqrt', add('Add', variance, np.float32(epsilon)))
    scale = add('Div', gamma, add('Reshape', deviation, as_row))  # [1, C]
    x = add('Add', add('Mul', x, add('Reshape', scale, as_map)), add('Reshape', beta, as_map))
    mean = add('Reshape', mean, as_row)
    if everywhere:
        mean = add('Add', mean, everywhere)
    return x, scale, add('Sub', beta, add('Mul', mean, scale))
