"""A frozen network's kernels in float16: half the bytes of its file. They are computed with in float32."""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import const_value, node_of

WEIGHTS = ('float32', 'float16')  # what kernels may be kept in
SUFFIX = '_half'  # behind the name of a kernel: its constant in float16


def is_kernel(node):
    """Whether a node has the name of a kernel of the generator."""
    return node.name.startswith('generator/') and node.name.endswith('/kernel')


def halved(graph_def):
    """A network for a file: each kernel is a constant in float16 and a Cast that has the kernel's name.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it; it is not changed.

    Returns:
        tf.GraphDef.
    """
    def parts(node):
        with tf.Graph().as_default() as graph:
            value = tf.constant(const_value(node).astype(np.float16), name=node.name + SUFFIX)
            tf.cast(value, tf.float32, name=node.name)
            return graph.as_graph_def().node
    return replaced(graph_def, {node.name: parts(node) for node in graph_def.node
                                if is_kernel(node) and node.op == 'Const'})


def widened(graph_def):
    """A network as everything here knows it, its kernels constants in float32.

    Args:
        graph_def: tf.GraphDef of a file, checked by guard; it is not changed.

    Returns:
        tf.GraphDef, itself where there are no kernels in float16.
    """
    nodes = {node.name: node for node in graph_def.node}
    wide = {}
    for node in graph_def.node:
        source = nodes[node_of(node.input[0])] if is_kernel(node) and node.op == 'Cast' else node
        if source.name == node.name + SUFFIX and source.op == 'Const':
            with tf.Graph().as_default() as graph:
                tf.constant(const_value(source).astype(np.float32), name=node.name)
                wide[node.name] = graph.as_graph_def().node
            wide[source.name] = []
    return replaced(graph_def, wide) if wide else graph_def


def replaced(graph_def, nodes):
    """A copy in which the nodes of these names are others: dict of names -> lists of nodes."""
    result = tf.GraphDef()
    result.CopyFrom(graph_def)
    del result.node[:]
    for node in graph_def.node:
        result.node.extend(nodes.get(node.name, [node]))
    return result
