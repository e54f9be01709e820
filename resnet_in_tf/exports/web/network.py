"""A generator as two ONNX graphs for the browser: for whole pictures, and for tiles with given statistics.

Both are built here, layer by layer as `generator.generator` has them, rather than converted: reflection and
convolution, an instance norm of a few plain operations, and no padding, cropping, styles or palettes, which
the page does. Kernels lie in one file beside them that both share.
"""

import collections

import numpy as np

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import onnx_convert
from resnet_in_tf.network import frozen
from resnet_in_tf.network.layers import LAST_LAYER, PALETTES, RESIDUAL_BLOCKS, norm_scopes
from resnet_in_tf.network.phases import PHASES
from resnet_in_tf.tiles.network import find_norms

OPSET, IR_VERSION = 12, 7
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


class Graph:
    """Collects the nodes and constants of an ONNX graph.

    Args:
        weights: Weights that large constants go to.
    """

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], collections.OrderedDict()

    def __call__(self, op, *inputs, **attributes):
        """Adds a node with one output, and gives the output's name; an input may be an array."""
        import onnx
        inputs = [name if isinstance(name, str) else self.constant(name) for name in inputs]
        output = attributes.pop('output', None) or '%s_%d' % (op.lower(), len(self.nodes))
        self.nodes.append(onnx.helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, array):
        """The name of a constant; large ones are kept as Weights keeps them."""
        import onnx
        array = np.ascontiguousarray(array)
        name = 'constant_%d' % len(self.constants)
        if array.size < SMALL:
            self.constants[name] = onnx.numpy_helper.from_array(array, name)
            return name
        dtype, offset, length = self.weights.add(array)
        kind = onnx.numpy_helper.from_array(np.zeros(1, dtype)).data_type
        tensor = onnx.TensorProto(name=name, dims=array.shape, data_type=kind,
                                  data_location=onnx.TensorProto.EXTERNAL)
        for key, value in (('location', WEIGHTS), ('offset', offset), ('length', length)):
            tensor.external_data.add(key=key, value=str(value))
        self.constants[name] = tensor
        if dtype == np.float32:
            return name
        return self('Cast', name, to=onnx.TensorProto.FLOAT)

    def finish(self, inputs, outputs, description):
        """The bytes of the ONNX file; inputs and outputs are dicts from names to shapes."""
        import onnx
        values = [[onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
                   for name, shape in each.items()] for each in (inputs, outputs)]
        graph = onnx.helper.make_graph(self.nodes, 'network', values[0], values[1],
                                       list(self.constants.values()), doc_string=description)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', OPSET)],
                                       ir_version=IR_VERSION, producer_name='resnet_in_tf')
        return model.SerializeToString(deterministic=True)


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
        UserError: onnx is not installed, or the network's norms are no instance norms.
    """
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise UserError('--format web: %s; %s' % (error, onnx_convert.INSTALL)) from error
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
    kernels = {name.rpartition('/')[0]: np.transpose(value, [3, 2, 0, 1])  # [F, C, height, width]
               for name, value in variables.items() if name.endswith('/kernel')}
    channels = [len(kernels[scope]) for scope in norm_scopes()]
    given, slices, start = 'affine' if tiles else 'row', {}, 0
    for scope, count in zip(norm_scopes(), channels):
        # [1, C] each: gamma and beta, or scale and shift
        slices[scope] = [graph('Slice', given, np.array([begin]), np.array([begin + count]), np.array([1]))
                         for begin in (start, start + count)]
        start += 2 * count
    affine = []

    def layer(x, scope, stride=1, relu=True, up=False):
        kernel, (first, second) = kernels[scope], slices[scope]
        count = len(kernel)
        everywhere = None
        if up:
            x, kernel, everywhere = upsampled(graph, x, kernel)
        else:
            x, kernel = reflected(graph, x, kernel.shape[2], stride), graph.constant(kernel)
        if tiles:
            if up:
                second = graph('Add', second, graph('Mul', first, everywhere))
                first, second = [graph('Concat', *[each] * 4, axis=1) for each in (first, second)]
            kernel = graph('Mul', kernel, graph('Reshape', first, np.array([-1, 1, 1, 1])))
            x = graph('Conv', x, kernel, graph('Reshape', second, np.array([-1])), strides=[stride] * 2)
            x = graph('Relu', x) if relu else x
            return graph('DepthToSpace', x, blocksize=2, mode='DCR') if up else x
        x = graph('Conv', x, kernel, strides=[stride] * 2)
        x = graph('DepthToSpace', x, blocksize=2, mode='DCR') if up else x
        x, scale, shift = normalized(graph, x, first, second, epsilon, count, everywhere)
        affine.extend([scale, shift])
        return graph('Relu', x) if relu else x

    x = graph('Sub', graph('Mul', 'image', np.float32(1 / 127.5)), np.float32(1))
    x = layer(x, 'generator/down/conv1')
    for name in ('conv2', 'conv3'):
        x = layer(x, 'generator/down/' + name, stride=2)
    for block in range(1, RESIDUAL_BLOCKS + 1):
        scope = 'generator/residual/block%d/' % block
        x = graph('Add', x, layer(layer(x, scope + 'conv1'), scope + 'conv2', relu=False))
    for name in ('conv1', 'conv2'):
        x = layer(x, 'generator/up/' + name, up=True)
    x = graph('Conv', reflected(graph, x, 9, 1), graph.constant(kernels[LAST_LAYER]),
              np.asarray(variables[LAST_LAYER + '/bias'], np.float32))
    graph('Identity' if has_palette else 'Tanh', x, output='painted')
    picture, numbers = [1, 3, 'H', 'W'], [1, start]
    if tiles:
        return graph.finish({'image': picture, 'affine': numbers}, {'painted': picture},
                            'A tile; statistics of the norms are given')
    graph('Concat', *affine, axis=1, output='affine')
    return graph.finish({'image': picture, 'row': numbers}, {'painted': picture, 'affine': numbers},
                        'A whole picture')


def reflected(graph, x, size, stride):
    """Reflects the edges as `generator.conv` does."""
    before, after = size // 2, size // 2 - (stride - 1)
    return graph('Pad', x, np.array([0, 0, before, before, 0, 0, after, after]), mode='reflect')


def upsampled(graph, x, kernel):
    """What makes one convolution of interpolation, reflection and convolution, as `upsampling` tells.

    Returns:
        (the small picture less its first position and with edges, the kernel [4F, C, 3, 3] whose output
        DepthToSpace spreads, what that position gives everywhere [1, F]): names.
    """
    filters, channels = kernel.shape[:2]
    kernel = graph.constant(kernel)
    spread = graph('MatMul', graph('Reshape', kernel, np.array([-1, 9])), PHASES.T.astype(np.float32))
    spread = graph('Reshape', spread, np.array([filters, channels, 4, 9]))
    spread = graph('Reshape', graph('Transpose', spread, perm=[2, 0, 1, 3]),
                   np.array([4 * filters, channels, 3, 3]))
    origin = graph('Slice', x, np.array([0, 0]), np.array([1, 1]), np.array([2, 3]))  # [1, C, 1, 1]
    x = graph('Sub', x, origin)
    x = graph('Pad', x, np.array([0, 0, 1, 1, 0, 0, 0, 0]), mode='reflect')
    x = graph('Pad', x, np.array([0, 0, 0, 0, 0, 0, 1, 1]), mode='edge')
    everywhere = graph('Conv', origin, graph('ReduceSum', kernel, axes=[2, 3], keepdims=1))
    return x, spread, graph('Reshape', everywhere, np.array([1, filters]))


def normalized(graph, x, gamma, beta, epsilon, channels, everywhere):
    """Formula (11), deviations before squares, as `instance_norm.reference` has it.

    Returns:
        (y, scale [1, C], shift [1, C]): names; y is scale * x + shift, had x what comes `everywhere`.
    """
    as_map, as_row = np.array([1, channels, 1, 1]), np.array([1, channels])
    mean = graph('ReduceMean', x, axes=[2, 3])  # [1, C, 1, 1]
    x = graph('Sub', x, mean)
    size = graph('Slice', graph('Shape', x), np.array([2]), np.array([4]))
    positions = graph('ReduceProd', graph('Cast', size, to=1), keepdims=1)  # [1]
    variance = graph('Div', graph('ReduceSumSquare', x, axes=[2, 3]), positions)
    deviation = graph('Sqrt', graph('Add', variance, np.float32(epsilon)))
    scale = graph('Div', gamma, graph('Reshape', deviation, as_row))  # [1, C]
    x = graph('Add', graph('Mul', x, graph('Reshape', scale, as_map)), graph('Reshape', beta, as_map))
    mean = graph('Reshape', mean, as_row)
    if everywhere:
        mean = graph('Add', mean, everywhere)
    return x, scale, graph('Sub', beta, graph('Mul', mean, scale))
