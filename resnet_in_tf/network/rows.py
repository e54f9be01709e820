"""Rows of a frozen network: what its style predictor makes of paintings, one more row in its tables,
and the tables alone.
"""

import json

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.graphs import node_of, session_config
from resnet_in_tf.network import frozen
from resnet_in_tf.network.interface import IDENTITY
from resnet_in_tf.network.layers import PALETTES, norm_channels, norm_scopes


def predict(graph_def, paintings):
    """The rows that a network's style predictor makes.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it, with a predictor.
        paintings: list of uint8 [H, W, 3].

    Returns:
        float32 [len(paintings), R], in the order of generator.split_row.
    """
    part = frozen.predictor_of(graph_def)
    with tf.Graph().as_default(), tf.Session(config=session_config()) as session:
        tf.import_graph_def(part, name='')
        return np.concatenate([session.run(frozen.STYLE_ROW + ':0', {frozen.STYLE_IMAGE + ':0': [painting]})
                               for painting in paintings])


def parts_of(row, width):
    """Takes a row apart: dict of the tables' names -> float32 [C], what stands in each for the style.

    Args:
        row: float32 [row_size(width)], in the order of generator.split_row.
        width: channels of the generator's first layer.
    """
    parts, start = {}, 0
    for scope, channels in zip(norm_scopes(), norm_channels(width)):
        for name in ('gamma', 'beta'):
            parts['%s/%s' % (scope, name)] = row[start:start + channels]
            start += channels
    parts[PALETTES] = row[start:]
    return parts


def add_style(graph_def, name, row, card):
    """Gives a network one more style; all others stay bit for bit as they are.

    Args:
        graph_def: tf.GraphDef as frozen.read_graph gives it, of a system with a palette; it is not changed.
        name: str, of the style; it comes to stand before `identity`.
        row: float32 [R], in the order of generator.split_row.
        card: dict that describes the new network.

    Returns:
        tf.GraphDef, as frozen.frozen_graph would make it of the longer tables.
    """
    result = tf.GraphDef()
    result.CopyFrom(graph_def)
    nodes = {node.name: node for node in result.node}
    names = [each.decode('utf-8') for each in tf.make_ndarray(
        nodes[frozen.STYLE_NAMES].attr['value'].tensor)][:-1] + [name, IDENTITY]
    for table, part in parts_of(row, frozen.first_width(graph_def)).items():
        before = tf.make_ndarray(nodes[table].attr['value'].tensor)
        put(nodes[table], np.concatenate([before[:-1], part[None], before[-1:]]).astype(np.float32))
    weights = nodes[frozen.STYLE_WEIGHTS]
    weights.attr['shape'].shape.dim[1].size = len(names)
    first = nodes[node_of(weights.input[0])]  # one-hot, what is taken where no weights are fed
    put(nodes[node_of(first.input[1])], np.int32(len(names)))
    put(nodes[frozen.STYLE_NAMES], [each.encode('utf-8') for each in names])
    put_card(nodes[frozen.CARD], card)
    return result


def without_predictor(graph_def, card):
    """A network's named styles alone: tf.GraphDef.

    Args:
        graph_def, card: as frozen.read_graph gives them.
    """
    result = frozen.generator_of(graph_def)
    for node in result.node:
        if node.name == frozen.CARD:
            put_card(node, {key: value for key, value in card.items() if key != 'predictor'})
    return result


def put_card(node, card):
    """Gives the card's node another card."""
    put(node, json.dumps(card, sort_keys=True, ensure_ascii=False).encode('utf-8'))


def put(node, value):
    """Gives a constant another value, of its own type."""
    node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(value, tf.as_dtype(node.attr['dtype'].type)))
