"""Questions about the nodes of a frozen graph, by name."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import const_value, node_of


def source(name, nodes):
    """The node that an input comes from, behind any Identity."""
    node = nodes[node_of(name)]
    while node.op == 'Identity':
        node = nodes[node_of(node.input[0])]
    return node


def constant(name, nodes):
    """Value of an input that is constant, as nested lists; None for any other."""
    value = const_value(source(name, nodes))
    return None if value is None else value.tolist()


def kernel_shape(name, nodes):
    """Shape of a kernel, scaled by a factor for each filter or not; None where it is not constant."""
    node = source(name, nodes)
    if node.op == 'Mul':
        node = source(node.input[0], nodes)
    if node.op != 'Const':
        return None
    return tuple(dimension.size for dimension in node.attr['value'].tensor.tensor_shape.dim)


def is_plain_convolution(node):
    """Whether a node is a convolution of float32 [N, H, W, C] without padding, step or gap."""
    return (node.op == 'Conv2D' and node.attr['T'].type == tf.float32.as_datatype_enum
            and node.attr['padding'].s == b'VALID'
            and node.attr['data_format'].s in (b'', b'NHWC')
            and set(node.attr['strides'].list.i) == {1}
            and set(node.attr['dilations'].list.i) <= {1})


def reflected(node, nodes):
    """How far a node reflects [N, H, W, C] past its edges.

    Returns:
        ((before, after) of rows, the same of columns); None where it does anything else.
    """
    if node.op != 'MirrorPad' or node.attr['mode'].s != b'REFLECT':
        return None
    paddings = constant(node.input[1], nodes)
    if paddings is None or len(paddings) != 4 or paddings[0] != [0, 0] or paddings[3] != [0, 0]:
        return None
    return tuple(paddings[1]), tuple(paddings[2])
