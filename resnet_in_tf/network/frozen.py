"""Turns a trained run into one self-describing file that TensorFlow alone can run."""

import json
import warnings

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.graphs import load, session_config
from resnet_in_tf.network import guard, halves, model_file, predictor
from resnet_in_tf.network.generator import SYSTEMS, generator
from resnet_in_tf.network.interface import (
    CARD,
    IMAGE,
    ROW,
    STYLE_IMAGE,
    STYLE_NAMES,
    STYLE_ROW,
    STYLE_WEIGHTS,
    STYLIZED,
)
from resnet_in_tf.network.layers import FIRST_KERNEL, row_size

# Last parts of the names of what a network learns, averages or is given, under these scopes.
VARIABLES = ('kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance', 'table', 'mean',
             'deviation')
SCOPES = ('generator/', predictor.SCOPE + '/')
# What every deployed graph has: operation, and the attribute that tells its type.
NODES = {IMAGE: ('Placeholder', 'dtype', tf.float32),
         STYLE_WEIGHTS: ('PlaceholderWithDefault', 'dtype', tf.float32),
         STYLIZED: ('Identity', 'T', tf.float32), STYLE_NAMES: ('Const', 'dtype', tf.string),
         FIRST_KERNEL: ('Const', 'dtype', tf.float32)}
# What a network may have beyond that.
OPTIONAL = {ROW: ('PlaceholderWithDefault', 'dtype', tf.float32),
            STYLE_IMAGE: ('Placeholder', 'dtype', tf.float32), STYLE_ROW: ('Identity', 'T', tf.float32)}


def deployed_graph(style_names, card, system, width, encode=None):
    """Builds the graph that is deployed, in the current default graph.

    Args:
        style_names: list of str; the last one is `identity`.
        card: dict that describes the network; kept in the graph as JSON.
        system, width: as in generator.generator.
        encode: function of float32 [N, H, W, 3] in [0, 255] that gives a dict of predictor.LAYERS ->
            features of a painting, for a network with a style predictor; else None.

    Returns:
        The tensors image [N, H, W, 3], style_weights [N, S] (the first style where it is not fed),
        stylized [N, H, W, 3]; the constants style_names [S] and card stand beside them, and for a system
        with a palette the input row [N, generator.row_size]: what is added to the mix of the styles' rows,
        nothing where it is not fed. A style predictor has style_image [N, H, W, 3] and gives style_row,
        a row of each.
    """
    image = tf.placeholder(tf.float32, [None, None, None, 3], name=IMAGE)
    first = tf.one_hot(tf.zeros([tf.shape(image)[0]], tf.int32), len(style_names), name='first_style')
    style_weights = tf.placeholder_with_default(first, [None, len(style_names)], STYLE_WEIGHTS)
    row = None
    if SYSTEMS[system].palette:
        row = tf.placeholder_with_default(tf.zeros([1, row_size(width)], name='no_row'),
                                          [None, row_size(width)], ROW)
    stylized, _ = generator(image, style_weights, system, width, impl='reference', row=row)
    stylized = tf.identity(stylized, name=STYLIZED)
    if encode:
        painting = tf.placeholder(tf.float32, [None, None, None, 3], name=STYLE_IMAGE)
        made = predictor.predict(predictor.statistics(encode(painting)), painting, width)
        tf.identity(made, name=STYLE_ROW)
    tf.constant([name.encode('utf-8') for name in style_names], name=STYLE_NAMES)
    tf.constant(json.dumps(card, sort_keys=True, ensure_ascii=False).encode('utf-8'), name=CARD)
    return image, style_weights, stylized


def frozen_graph(style_names, card, read_variable, system, width, encode=None):
    """The deployed graph with its variables as constants.

    Args:
        read_variable: function of a variable's name that gives its numpy value.
        style_names, card, system, width, encode: as in `deployed_graph`.

    Returns:
        tf.GraphDef.
    """
    with tf.Graph().as_default() as graph, tf.Session(config=session_config()) as session:
        deployed_graph(style_names, card, system, width, encode)
        variables = tf.global_variables()
        load(variables, [read_variable(variable.op.name) for variable in variables], session)
        frozen = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(),
            [STYLIZED, STYLE_NAMES, CARD] + ([STYLE_ROW] if encode else []))
        for node in frozen.node:
            node.ClearField('device')
            if node.op == 'MaxPool' and not node.attr['explicit_paddings'].list.i:
                del node.attr['explicit_paddings']  # of TensorFlow 2.15; 1.15 reads no graph that has it
        return frozen


def read_graph(path):
    """Reads a frozen graph, and lets nothing through that no deployed graph has (see `guard`).

    Kernels that the file keeps in float16 are float32 in it.

    Args:
        path: a .pb that `freeze` wrote.

    Returns:
        (tf.GraphDef, style names as a list of str, card as a dict).

    Raises:
        UserError: the file is missing, is no graph, or is a graph of something else.
    """
    return parse_graph(model_file.read_model(path), path)


def parse_graph(data, path):
    """As `read_graph`, of the bytes of a file; `path` is for the messages."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # protobuf warns of the damage that it then throws
            graph_def = tf.GraphDef.FromString(data)
    except Exception as error:  # protobuf's own error class differs from release to release
        if type(error).__name__ != 'DecodeError':
            raise
        raise UserError('--model %s: not a TensorFlow graph; freeze_graph.py writes one' % path) from error
    if not graph_def.node:
        raise UserError('--model %s: not a TensorFlow graph; freeze_graph.py writes one' % path)
    names = {node.name for node in graph_def.node}
    missing = [name for name in NODES if name not in names]
    if missing:
        raise UserError('--model %s: a TensorFlow graph, but not one of freeze_graph.py: it has no '
                        'node %s' % (path, missing[0]))
    try:
        guard.check_nodes(graph_def)
        graph_def = halves.widened(graph_def)
        return (graph_def,) + read_labels({node.name: node for node in graph_def.node})
    except model_file.Unfit as error:
        raise UserError('--model %s: a TensorFlow graph, but not one of freeze_graph.py: %s'
                        % (path, error)) from error


def read_labels(nodes):
    """Style names and card of checked nodes; Unfit where a node is not what `deployed_graph` makes."""
    for name, (op, key, dtype) in list(NODES.items()) + list(OPTIONAL.items()):
        node = nodes.get(name)
        if node is None and name in OPTIONAL:
            continue
        if node.op != op or node.attr[key].type != dtype.as_datatype_enum:
            raise model_file.Unfit('%s is not %s of %s' % (name, op, dtype.name))
    kernel = nodes[FIRST_KERNEL].attr['value'].tensor.tensor_shape.dim
    if len(kernel) != 4 or kernel[2].size != 3 or not kernel[3].size:
        raise model_file.Unfit('its first layer is no convolution of pictures')
    tensor = nodes[STYLE_NAMES].attr['value'].tensor
    if len(tensor.tensor_shape.dim) != 1:
        raise model_file.Unfit('its style names are no list')
    card = {}
    if CARD in nodes:
        tensor_of_card = nodes[CARD].attr['value'].tensor
        if nodes[CARD].op != 'Const' or len(tensor_of_card.string_val) != 1:
            raise model_file.Unfit('its card is no text')
        card = model_file.card(tensor_of_card.string_val[0])
    return model_file.style_names(tensor.string_val), card


def import_graph(graph_def, path, name=''):
    """Puts a graph into the current default graph.

    Raises:
        UserError: its nodes do not fit together, or it gives no pictures.
    """
    try:
        tf.import_graph_def(graph_def, name=name)
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise UserError('--model %s: damaged, or of a newer TensorFlow (%s)'
                        % (path, ' '.join(str(error).split('. ')[0].split())[:200])) from error
    graph, scope = tf.get_default_graph(), name + '/' if name else ''
    stylized, weights = [graph.get_tensor_by_name(scope + each + ':0')
                         for each in (STYLIZED, STYLE_WEIGHTS)]
    names = graph.get_tensor_by_name(scope + STYLE_NAMES + ':0').shape.as_list()[0]
    if has_row(graph_def):
        size, width = row_length(graph_def), first_width(graph_def)
        made = graph.get_tensor_by_name(scope + STYLE_ROW + ':0').shape if has_predictor(graph_def) else None
        if size != row_size(width) or made is not None and not made.is_compatible_with([None, size]):
            raise UserError('--model %s: damaged: its row has not the %d numbers that a style of its '
                            'width has' % (path, row_size(width)))
    if not stylized.shape.is_compatible_with([None, None, None, 3]) or (
            not weights.shape.is_compatible_with([None, names])):
        raise UserError('--model %s: damaged: it takes or gives tensors of other shapes than '
                        'pictures and style weights have' % path)


def first_width(graph_def):
    """Channels of the first layer of a frozen graph."""
    node = next(node for node in graph_def.node if node.name == FIRST_KERNEL)
    return node.attr['value'].tensor.tensor_shape.dim[3].size


def count_styles(graph_def):
    """How many styles a frozen graph has, `identity` included."""
    names = next(node for node in graph_def.node if node.name == STYLE_NAMES)
    return names.attr['value'].tensor.tensor_shape.dim[0].size


def has_predictor(graph_def):
    """Whether a network makes a row from a painting."""
    return {ROW, STYLE_IMAGE, STYLE_ROW} <= {node.name for node in graph_def.node}


def generator_of(graph_def):
    """A network without its style predictor: tf.GraphDef, itself where it has none."""
    if not has_predictor(graph_def):
        return graph_def
    return tf.graph_util.extract_sub_graph(graph_def, [STYLIZED, STYLE_NAMES] + [
        node.name for node in graph_def.node if node.name == CARD])


def predictor_of(graph_def):
    """The style predictor of a network that has one: tf.GraphDef."""
    return tf.graph_util.extract_sub_graph(graph_def, [STYLE_ROW])


def has_row(graph_def):
    """Whether a network takes a style's row from outside."""
    return any(node.name == ROW for node in graph_def.node)


def row_length(graph_def):
    """Numbers of the row that a network takes; None where it is not told."""
    shape = next(node for node in graph_def.node if node.name == ROW).attr['shape'].shape
    return shape.dim[1].size if len(shape.dim) == 2 else None


def read_variables(graph_def):
    """The variables of a frozen graph by name: what training can start from.

    Returns:
        dict name -> numpy array.
    """
    return {node.name: tf.make_ndarray(node.attr['value'].tensor) for node in graph_def.node
            if node.op == 'Const' and node.name.startswith(SCOPES)
            and np.dtype(tf.as_dtype(node.attr['dtype'].type).as_numpy_dtype) == np.float32
            and node.name.split('/')[-1] in VARIABLES}
