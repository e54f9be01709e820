"""What a graph from a stranger may hold: the operations of a deployed graph, and no more.

TensorFlow runs whatever a graph says, and some of its operations read and write files. What is
checked here needs no TensorFlow session, takes milliseconds, and lets nothing through that later
code could trip over.
"""

import functools
import operator

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import node_of
from resnet_in_tf.network.model_file import Unfit, shown

MOST_NODES = 20000  # a deployed graph has under 1000
MOST_SPREAD = 2 ** 20  # numbers that constants of one repeated value may have beyond the file's own
LARGEST_INTEGER = 2 ** 16  # of a constant: axes, shapes, paddings and counts are all far below
MOST_RANK = 8

# The operations of `frozen.deployed_graph` in every system, with a style predictor or without, under
# TensorFlow 1.15 and 2.15, with how many inputs each takes; None: one or more.
OPERATIONS = {
    'Abs': 1, 'Add': 2, 'AddV2': 2, 'AvgPool': 1, 'BiasAdd': 2, 'Cast': 1, 'ConcatV2': None, 'Const': 0,
    'Conv2D': 2, 'Fill': 2, 'FloorDiv': 2, 'FloorMod': 2, 'GatherV2': 3, 'Identity': 1, 'Less': 2,
    'MatMul': 2, 'MaxPool': 1, 'Maximum': 2, 'Mean': 2, 'Minimum': 2, 'MirrorPad': 2, 'Mul': 2, 'Neg': 1,
    'OneHot': 4, 'Pack': None, 'Placeholder': 0, 'PlaceholderWithDefault': 1, 'Prod': 2, 'Range': 3,
    'RealDiv': 2, 'Relu': 1, 'Reshape': 2, 'ResizeBilinear': 2, 'Rsqrt': 1, 'Select': 3, 'Shape': 1,
    'Square': 1, 'StridedSlice': 4, 'Sub': 2, 'Tanh': 1}

# The values of a TensorProto of each type of constant that a deployed graph has.
FIELDS = {tf.float32: 'float_val', tf.float16: 'half_val', tf.int32: 'int_val', tf.int64: 'int64_val',
          tf.bool: 'bool_val', tf.string: 'string_val'}


def check_nodes(graph_def):
    """Checks all that TensorFlow would do with a graph.

    What says where and how nodes are to run (devices, attributes with an underscore) is taken out.

    Returns:
        dict from names to nodes.

    Raises:
        Unfit: functions, an operation that no deployed graph has, or nodes that do not fit together.
    """
    if graph_def.library.function or graph_def.library.gradient:
        raise Unfit('it brings functions of its own')
    if len(graph_def.node) > MOST_NODES:
        raise Unfit('it has %d nodes, more than %d' % (len(graph_def.node), MOST_NODES))
    nodes = {}
    for node in graph_def.node:
        if node.op not in OPERATIONS:
            raise Unfit('it has the operation %s, which no network has' % shown(node.op))
        if node.name in nodes:
            raise Unfit('two of its nodes are called %s' % shown(node.name))
        nodes[node.name] = node
        node.ClearField('device')
        for key in [key for key in node.attr if key.startswith('_')]:
            del node.attr[key]
    spread = 0
    for node in graph_def.node:
        check_inputs(node, nodes)
        if node.op == 'Const':
            spread += check_constant(node)
            if spread > MOST_SPREAD:
                raise Unfit('its constants are larger than the file')
    check_order(nodes)
    return nodes


def check_inputs(node, nodes):
    """Raises Unfit where a node has other inputs than its operation takes, or calls a function."""
    wanted, data = OPERATIONS[node.op], [name for name in node.input if not name.startswith('^')]
    if len(data) != len(node.input):
        raise Unfit('%s waits for another node' % shown(node.name))
    if len(data) != wanted if wanted is not None else not data:
        raise Unfit('%s has %d inputs' % (shown(node.name), len(data)))
    for name in data:
        if node_of(name) not in nodes or name.partition(':')[2] not in ('', '0'):
            raise Unfit('%s has the input %s, which is not there' % (shown(node.name), shown(name)))
    for key, value in node.attr.items():
        if value.WhichOneof('value') in ('func', 'placeholder'):
            raise Unfit('%s has the attribute %s' % (shown(node.name), shown(key)))


def check_constant(node):
    """Checks that a constant's values are those that its shape names.

    Returns:
        int, how many numbers stand for one that is repeated.

    Raises:
        Unfit: they are not, or an integer is beyond all use.
    """
    tensor = node.attr['value'].tensor
    try:
        dtype = tf.as_dtype(tensor.dtype)
    except TypeError:
        dtype = None
    sides = [side.size for side in tensor.tensor_shape.dim]
    if (dtype not in FIELDS or node.attr['dtype'].type != tensor.dtype
            or tensor.tensor_shape.unknown_rank or len(sides) > MOST_RANK or min(sides + [0]) < 0):
        raise Unfit('%s is no constant of a network' % shown(node.name))
    count = functools.reduce(operator.mul, sides, 1)
    given = len(getattr(tensor, FIELDS[dtype]))
    spread = 0
    if tensor.tensor_content:
        good = dtype != tf.string and not given and (
            len(tensor.tensor_content) == count * dtype.size)
    else:
        good = given == count or given == 1 and dtype != tf.string
        spread = max(0, count - given)
    if not good:
        raise Unfit('%s has other values than its shape names' % shown(node.name))
    if dtype in (tf.int32, tf.int64) and spread <= MOST_SPREAD and count:
        if np.abs(tf.make_ndarray(tensor).astype(np.float64)).max() > LARGEST_INTEGER:
            raise Unfit('%s is a number beyond all use' % shown(node.name))
    return spread


def check_order(nodes):
    """Raises Unfit where nodes wait for each other in a ring."""
    waiting = {name: len(node.input) for name, node in nodes.items()}
    readers = {name: [] for name in nodes}
    for name, node in nodes.items():
        for source in node.input:
            readers[node_of(source)].append(name)
    ready = [name for name, count in waiting.items() if not count]
    done = 0
    while ready:
        done += 1
        for reader in readers[ready.pop()]:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    if done < len(nodes):
        raise Unfit('its nodes go round in a ring')
