"""Turns a trained run into one self-describing file that TensorFlow alone can run."""

import json
import warnings

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network.generator import generator

IMAGE, STYLE_WEIGHTS, STYLIZED, STYLE_NAMES, CARD = (
    'image', 'style_weights', 'stylized', 'style_names', 'card')


def deployed_graph(style_names, card, system='resnet_in', width=32):
    """Builds the graph that is deployed, in the current default graph.

    Args:
        style_names: list of str; the last one is `identity`.
        card: dict that describes the network; kept in the graph as JSON.
        system, width: as in generator.generator.

    Returns:
        The tensors image [N, H, W, 3], style_weights [N, S] (the first style where it is not fed),
        stylized [N, H, W, 3]; the constants style_names [S] and card stand beside them.
    """
    image = tf.placeholder(tf.float32, [None, None, None, 3], name=IMAGE)
    first = tf.one_hot(tf.zeros([tf.shape(image)[0]], tf.int32), len(style_names), name='first_style')
    style_weights = tf.placeholder_with_default(first, [None, len(style_names)], STYLE_WEIGHTS)
    stylized, _ = generator(image, style_weights, system, impl='reference', width=width)
    stylized = tf.identity(stylized, name=STYLIZED)
    tf.constant([name.encode('utf-8') for name in style_names], name=STYLE_NAMES)
    tf.constant(json.dumps(card, sort_keys=True, ensure_ascii=False).encode('utf-8'), name=CARD)
    return image, style_weights, stylized


def frozen_graph(style_names, card, read_variable, system='resnet_in', width=32):
    """The deployed graph with its variables as constants.

    Args:
        read_variable: function of a variable's name that gives its numpy value.
        style_names, card, system, width: as in `deployed_graph`.

    Returns:
        tf.GraphDef.
    """
    with tf.Graph().as_default() as graph, tf.Session() as session:
        deployed_graph(style_names, card, system, width)
        for variable in tf.global_variables():
            variable.load(read_variable(variable.op.name), session)
        frozen = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), [STYLIZED, STYLE_NAMES, CARD])
        for node in frozen.node:
            node.ClearField('device')
        return frozen


def read_graph(path):
    """Reads a frozen graph.

    Args:
        path: a .pb that `freeze` wrote.

    Returns:
        (tf.GraphDef, style names as a list of str, card as a dict).

    Raises:
        UserError: the file is missing, is no graph, or is a graph of something else.
    """
    try:
        with open(path, 'rb') as file, warnings.catch_warnings():
            warnings.simplefilter('ignore')  # protobuf warns of the damage that it then throws
            graph_def = tf.GraphDef.FromString(file.read())
    except OSError as error:
        raise UserError('--model %s: %s' % (path, error.strerror)) from error
    except Exception as error:  # protobuf's own error class differs from release to release
        if type(error).__name__ != 'DecodeError':
            raise
        raise UserError('--model %s: not a TensorFlow graph; freeze_graph.py writes one' % path) from error
    nodes = {node.name: node for node in graph_def.node}
    if not nodes:
        raise UserError('--model %s: not a TensorFlow graph; freeze_graph.py writes one' % path)
    missing = [name for name in (IMAGE, STYLE_WEIGHTS, STYLIZED, STYLE_NAMES) if name not in nodes]
    if missing:
        raise UserError('--model %s: a TensorFlow graph, but not one of freeze_graph.py: it has no '
                        'node %s' % (path, missing[0]))
    names = tf.make_ndarray(nodes[STYLE_NAMES].attr['value'].tensor)
    card = nodes[CARD].attr['value'].tensor.string_val[0] if CARD in nodes else b'{}'
    return graph_def, [name.decode('utf-8') for name in names], json.loads(card.decode('utf-8'))


def read_variables(graph_def):
    """The variables of a frozen graph by name: what training can start from.

    Returns:
        dict name -> numpy array.
    """
    return {node.name: tf.make_ndarray(node.attr['value'].tensor) for node in graph_def.node
            if node.op == 'Const' and node.name.startswith('generator/')
            and np.dtype(tf.as_dtype(node.attr['dtype'].type).as_numpy_dtype) == np.float32
            and node.name.split('/')[-1] in ('kernel', 'bias', 'gamma', 'beta')}
