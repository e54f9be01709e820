"""ONNX: a network for onnxruntime and its kin, any batch and any size."""

import collections
import hashlib
import json
import logging
import os

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check, onnx_convert
from resnet_in_tf.exports.plain import plain_graph
from resnet_in_tf.network import frozen, guard

# What tf2onnx makes of deployed graphs of every system, and of style predictors.
OPERATIONS = {
    'Abs', 'Add', 'And', 'AveragePool', 'Cast', 'Concat', 'Constant', 'Conv', 'Div', 'Equal', 'Expand',
    'Gather', 'GlobalAveragePool', 'Identity', 'Less', 'MatMul', 'Max', 'MaxPool', 'Min', 'Mul', 'Neg', 'Not',
    'Pad', 'Range', 'Reciprocal', 'ReduceMean', 'ReduceProd', 'Relu', 'Reshape', 'Resize', 'Shape', 'Slice',
    'Sqrt', 'Squeeze', 'Sub', 'Tanh', 'Transpose', 'Unsqueeze', 'Where'}
FORM = b'opset %d, with a row\0' % onnx_convert.OPSET  # of what the cache keeps; else it is made anew

Network = collections.namedtuple('Network', 'run style_names card predictor')
Network.__doc__ = """An ONNX network that is open.

Fields:
    run: function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized; and of
        a row [N, R] where it takes one.
    style_names, card: as frozen.read_graph gives them.
    predictor: str, checksum of the file of its style predictor; None where it has none.
"""


def convert_checked(graph_def, style_names, card, name, batches=(1,), predictor=None):
    """Converts a network without its style predictor, and compares it with the graph.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        name: what to call it in a message.
        batches: as in check.greatest_difference.
        predictor: as in Network.

    Returns:
        (bytes of an ONNX file, greatest difference).

    Raises:
        UserError: as in convert; or it differs.
    """
    inputs, metadata = [frozen.IMAGE, frozen.STYLE_WEIGHTS], {'style_names': style_names, 'card': card}
    if frozen.has_row(graph_def):
        inputs.append(frozen.ROW)
    if predictor:
        metadata['predictor'] = predictor
    data = onnx_convert.convert(plain_graph(graph_def, row=True), inputs, frozen.STYLIZED, metadata,
                                'Style transfer; image and stylized are RGB in [0, 255]')
    run = session(data, name).run
    with check.reference(graph_def) as expected:
        worst = check.greatest_difference(expected, run, style_names, batches=batches)
        if frozen.has_row(graph_def):
            worst = max(worst, check.difference_with_row(expected, run, style_names,
                                                         frozen.first_width(graph_def)))
    check.require_close(name, worst)
    return data, worst


def open_session(data, name, **settings):
    """Opens bytes of an ONNX file: onnxruntime.InferenceSession.

    Args:
        data: bytes of the file.
        name: what to call it in a message.
        settings: attributes of onnxruntime.SessionOptions.

    Raises:
        UserError: onnxruntime is not installed, or cannot open it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError('ONNX: %s; %s' % (error, onnx_convert.INSTALL)) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # A pattern is kept for every size of picture that comes by: a server would grow.
    options.enable_mem_pattern = False
    for key, value in settings.items():
        setattr(options, key, value)
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers(onnxruntime))
    except Exception as error:  # onnxruntime's own classes differ from release to release
        raise UserError('%s: onnxruntime cannot open it (%s)'
                        % (name, str(error).split('\n')[0])) from error


def session(data, name):
    """Opens an ONNX network: Network.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Raises:
        UserError: onnxruntime is not installed, or this is not such a network.
    """
    opened = open_session(data, name)
    try:
        meta = opened.get_modelmeta().custom_metadata_map
        names, card = json.loads(meta['style_names']), guard.card(meta['card'])
        style_names = guard.style_names(names if isinstance(names, list) else [])
    except (KeyError, ValueError, guard.Unfit):
        raise UserError('%s: an ONNX network, but not one of freeze_graph.py' % name) from None

    def run(image, style_weights, row=None):
        feeds = {frozen.IMAGE: image, frozen.STYLE_WEIGHTS: style_weights}
        if row is not None:
            feeds[frozen.ROW] = row
        return opened.run([frozen.STYLIZED], feeds)[0]

    return Network(run, style_names, card, meta.get('predictor'))


def first_width(data, name):
    """Checks a stranger's ONNX file, and tells its width.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Returns:
        int, channels of the first layer.

    Raises:
        UserError: onnx is not installed, or the network has operations, functions, graphs within
            graphs or files beside it that no converted one has.
    """
    try:
        import onnx
    except ImportError as error:
        raise UserError('ONNX: %s; %s' % (error, onnx_convert.INSTALL)) from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's own error class differs from release to release
        raise UserError('%s: onnxruntime cannot open it (%s)'
                        % (name, str(error).split('\n')[0])) from error
    graph = model.graph
    kinds = {attribute.type for node in graph.node for attribute in node.attribute}
    strange = sorted({node.op_type for node in graph.node if node.op_type not in OPERATIONS
                      or node.domain not in ('', 'ai.onnx')})
    kernels = [tensor.dims[0] for tensor in graph.initializer
               if len(tensor.dims) == 4 and tensor.dims[1] == 3]
    if (strange or getattr(model, 'functions', ()) or not kernels or graph.sparse_initializer
            or kinds & {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}
            or any(tensor.external_data for tensor in graph.initializer)):
        raise UserError('%s: an ONNX network, but not one of freeze_graph.py%s' % (
            name, ': it has the operation %s' % guard.shown(strange[0]) if strange else ''))
    return int(kernels[0])


def providers(onnxruntime):
    """CUDA where onnxruntime was built with it, and the CPU."""
    return [name for name in ('CUDAExecutionProvider', 'CPUExecutionProvider')
            if name in onnxruntime.get_available_providers()]


def cached(graph_def, style_names, card, folder):
    """The ONNX form of a network without style predictor, from a cache or converted and kept.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        folder: the cache; one that cannot be written is done without.

    Returns:
        bytes.

    Raises:
        UserError: as in convert_checked.
    """
    return kept(graph_def, folder, 'network', 'network',
                lambda name: convert_checked(graph_def, style_names, card, name))


def kept(graph_def, folder, stem, what, convert):
    """What `convert` makes of a graph, from a cache where it is there.

    Args:
        graph_def: tf.GraphDef.
        folder: the cache; one that cannot be written is done without.
        stem: str that the file's name begins with.
        what: str, what is converted, for the log.
        convert: function of a name for messages that gives (bytes of an ONNX file, difference).

    Returns:
        bytes.
    """
    log = logging.getLogger('resnet_in_tf')
    stem = '%s-%s' % (stem, hashlib.sha256(
        FORM + graph_def.SerializeToString(deterministic=True)).hexdigest()[:32])
    found = files.find_cached(folder, stem, '.onnx')
    if found:
        return found[1]
    log.info('converting the %s for onnxruntime, once, into %s', what, folder)
    data, _ = convert(os.path.join(folder, stem + '.onnx'))
    try:
        files.write_file(files.cached_path(folder, stem, '.onnx', data), data)
    except UserError as error:
        log.warning('the converted %s is not kept: %s', what, error)
    return data
