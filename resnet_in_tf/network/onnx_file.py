"""An ONNX file that freeze_graph.py wrote: opened by onnxruntime, alone, on any Python."""

import collections
import json

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import interface, model_file

INSTALL = "pip install 'resnet_in_tf[onnx]'"

# What tf2onnx makes of deployed graphs of every system, and of style predictors.
OPERATIONS = {
    'Abs', 'Add', 'And', 'AveragePool', 'Cast', 'Concat', 'Constant', 'Conv', 'Div', 'Equal', 'Expand',
    'Gather', 'GlobalAveragePool', 'Identity', 'Less', 'MatMul', 'Max', 'MaxPool', 'Min', 'Mul', 'Neg', 'Not',
    'Pad', 'Range', 'Reciprocal', 'ReduceMean', 'ReduceProd', 'Relu', 'Reshape', 'Resize', 'Shape', 'Slice',
    'Sqrt', 'Squeeze', 'Sub', 'Tanh', 'Transpose', 'Unsqueeze', 'Where'}

Network = collections.namedtuple('Network', 'run style_names card predictor')
Network.__doc__ = """An ONNX network that is open.

Fields:
    run: function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized; and of
        a row [N, R] where it takes one.
    style_names, card: as frozen.read_graph gives them.
    predictor: str, checksum of the file of its style predictor; None where it has none.
"""


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
        raise UserError('ONNX: %s; %s' % (error, INSTALL)) from error
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
        names, card = json.loads(meta['style_names']), model_file.card(meta['card'])
        style_names = model_file.style_names(names if isinstance(names, list) else [])
    except (KeyError, ValueError, model_file.Unfit):
        raise UserError('%s: an ONNX network, but not one of freeze_graph.py' % name) from None

    def run(image, style_weights, row=None):
        feeds = {interface.IMAGE: image, interface.STYLE_WEIGHTS: style_weights}
        if row is not None:
            feeds[interface.ROW] = row
        return opened.run([interface.STYLIZED], feeds)[0]

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
        raise UserError('ONNX: %s; %s' % (error, INSTALL)) from error
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
            name, ': it has the operation %s' % model_file.shown(strange[0]) if strange else ''))
    return int(kernels[0])


def providers(onnxruntime):
    """CUDA where onnxruntime was built with it, and the CPU."""
    return [name for name in ('CUDAExecutionProvider', 'CPUExecutionProvider')
            if name in onnxruntime.get_available_providers()]
