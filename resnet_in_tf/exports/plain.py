"""The network of a frozen graph by itself: plain inputs, one output."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.network import frozen


def plain_graph(graph_def, row=False):
    """A copy without names, card and the default of the style weights.

    Converters refuse a placeholder whose default is computed.

    Args:
        graph_def: a GraphDef of freeze_graph.py.
        row: whether a row from outside is a placeholder, too; else it is none.

    Returns:
        GraphDef with the placeholders image [N, H, W, 3] and style_weights [N, S], and row [N, R].
    """
    copy = tf.GraphDef()
    copy.CopyFrom(graph_def)
    for node in copy.node:
        if node.name == frozen.STYLE_WEIGHTS:
            node.op = 'Placeholder'
            del node.input[:]
        elif node.name == frozen.ROW:
            if row:
                node.op = 'Placeholder'
                del node.input[:]
                continue
            node.op = 'Identity'
            node.attr['T'].CopyFrom(node.attr['dtype'])
            del node.attr['dtype'], node.attr['shape']
    return tf.graph_util.extract_sub_graph(copy, [frozen.STYLIZED])
