"""ONNX: one file for onnxruntime and its kin, any batch and any size."""

import hashlib
import json
import logging
import os
import subprocess
import sys

import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check
from resnet_in_tf.exports.canonical import canonical_onnx
from resnet_in_tf.exports.plain import plain_graph
from resnet_in_tf.network import frozen, guard

OPSET = 11  # the first whose Resize computes what TensorFlow's does
# What tf2onnx makes of deployed graphs of every system.
OPERATIONS = {
    'Abs', 'Add', 'And', 'Cast', 'Concat', 'Constant', 'Conv', 'Div', 'Equal', 'Expand', 'Gather',
    'GlobalAveragePool', 'Identity', 'Less', 'MatMul', 'Max', 'Min', 'Mul', 'Neg', 'Not', 'Pad', 'Range',
    'Reciprocal', 'ReduceMean', 'ReduceProd', 'Relu', 'Reshape', 'Resize', 'Shape', 'Slice', 'Sqrt',
    'Squeeze', 'Sub', 'Tanh', 'Transpose', 'Unsqueeze', 'Where'}
AXES = {frozen.IMAGE: ('N', 'H', 'W'), frozen.STYLE_WEIGHTS: ('N',),
        frozen.STYLIZED: ('N', 'H', 'W')}
INSTALL = "pip install 'resnet_in_tf[onnx]'"


def write(graph_def, style_names, card, output):
    """Writes a network as ONNX, checked in onnxruntime at several sizes and as a batch.

    Inputs: image float32 [N, H, W, 3] in [0, 255] and style_weights float32 [N, S]; output:
    stylized float32 [N, H, W, 3]. Metadata: style_names and card, both JSON.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        output: path of the .onnx to write.

    Returns:
        List of one check.Written.

    Raises:
        UserError: as in exports.export.
    """
    data = convert(graph_def, style_names, card)
    run = session(data, output)[0]
    with check.reference(graph_def) as expected:
        worst = check.greatest_difference(expected, run, style_names, batches=(1, 2))
    check.require_close(output, worst)
    files.write_file(output, data)
    return [check.Written(output, len(data), worst)]


def convert(graph_def, style_names, card):
    """A network as the bytes of an ONNX file, the same ones each time.

    tf2onnx goes through sets of names: in what order, and so what it simplifies, Python draws by
    lot for each process. It runs in one of its own, for which that is settled.

    Raises:
        UserError: tf2onnx is not installed, or cannot convert the graph.
    """
    with files.own_temporary_folder() as folder:
        given, made = os.path.join(folder, 'given'), os.path.join(folder, 'made')
        with open(given, 'wb') as file:
            file.write(json.dumps([style_names, card]).encode() + b'\n' + graph_def.SerializeToString())
        settled = dict(os.environ, PYTHONHASHSEED='0', CUDA_VISIBLE_DEVICES='', TF_CPP_MIN_LOG_LEVEL='3',
                       PYTHONPATH=os.pathsep.join(path or os.getcwd() for path in sys.path))
        ended = subprocess.run([sys.executable, '-W', 'ignore', '-m', __name__, given, made], env=settled,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        if ended.returncode:
            line = (ended.stderr.decode(errors='replace').strip().split('\n'))[-1]
            raise UserError(line if line.startswith('ONNX: ') else 'ONNX: the conversion ended with '
                            'status %d (%s)' % (ended.returncode, line))
        with open(made, 'rb') as file:
            return file.read()


def convert_here(graph_def, style_names, card):
    """As `convert`, in this process, whose hash seed has a say in the result."""
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise UserError('ONNX: %s; %s' % (error, INSTALL)) from error
    names = {name + ':0': name for name in AXES}
    logging.getLogger('tf2onnx').setLevel(logging.ERROR)
    try:
        model, _ = tf2onnx.convert.from_graph_def(
            plain_graph(graph_def), input_names=[frozen.IMAGE + ':0', frozen.STYLE_WEIGHTS + ':0'],
            output_names=[frozen.STYLIZED + ':0'], opset=OPSET, tensors_to_rename=names)
    except Exception as error:  # tf2onnx raises whatever its rewriters happen to
        raise UserError('ONNX: tf2onnx %s cannot convert this network (%s)'
                        % (tf2onnx.__version__, str(error).split('\n')[0])) from error
    for value in list(model.graph.input) + list(model.graph.output):
        for size, name in zip(value.type.tensor_type.shape.dim, AXES[value.name]):
            size.dim_param = name
    canonical_onnx(model)
    model.doc_string = 'Style transfer; image and stylized are RGB in [0, 255]'
    onnx.helper.set_model_props(model, {'style_names': json.dumps(style_names),
                                        'card': json.dumps(card, sort_keys=True)})
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def session(data, name):
    """Opens an ONNX network.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Returns:
        (run, style_names, card): `run` is a function of float32 image [N, H, W, 3] and
        style_weights [N, S] that gives stylized.

    Raises:
        UserError: onnxruntime is not installed, or this is not such a network.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError('ONNX: %s; %s' % (error, INSTALL)) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # A pattern is kept for every size of picture that comes by: a server would grow.
    options.enable_mem_pattern = False
    try:
        opened = onnxruntime.InferenceSession(data, options, providers=providers(onnxruntime))
        meta = opened.get_modelmeta().custom_metadata_map
        names, card = json.loads(meta['style_names']), guard.card(meta['card'])
        style_names = guard.style_names(names if isinstance(names, list) else [])
    except (KeyError, guard.Unfit):
        raise UserError('%s: an ONNX network, but not one of freeze_graph.py' % name) from None
    except Exception as error:  # onnxruntime's own classes differ from release to release
        raise UserError('%s: onnxruntime cannot open it (%s)'
                        % (name, str(error).split('\n')[0])) from error

    def run(image, style_weights):
        return opened.run([frozen.STYLIZED],
                          {frozen.IMAGE: image, frozen.STYLE_WEIGHTS: style_weights})[0]

    return run, style_names, card


def first_width(data, name):
    """Checks a stranger's ONNX network, and tells its width.

    Args:
        data: bytes of the file.
        name: what to call it in a message.

    Returns:
        int, channels of the first layer.

    Raises:
        UserError: onnx is not installed, or the network has operations, functions, graphs within
            graphs or files beside it that none of `convert` has.
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
            name, ': it has the operation %s' % guard.shown(strange[0]) if strange else ''))
    return int(kernels[0])


def providers(onnxruntime):
    """CUDA where onnxruntime was built with it, and the CPU."""
    return [name for name in ('CUDAExecutionProvider', 'CPUExecutionProvider')
            if name in onnxruntime.get_available_providers()]


def cached(graph_def, style_names, card, folder):
    """The ONNX form of a .pb, from a cache where it is there, else converted and kept.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        folder: the cache; one that cannot be written is done without.

    Returns:
        bytes.

    Raises:
        UserError: as in convert; or the conversion differs from the .pb.
    """
    log = logging.getLogger('resnet_in_tf')
    content = graph_def.SerializeToString(deterministic=True)
    key = hashlib.sha256(b'opset %d\0' % OPSET + content).hexdigest()[:32]
    stem = 'network-' + key
    found = files.find_cached(folder, stem, '.onnx')
    if found:
        return found[1]
    log.info('converting the network for onnxruntime, once, into %s', folder)
    data = convert(graph_def, style_names, card)
    path = files.cached_path(folder, stem, '.onnx', data)
    with check.reference(graph_def) as expected:
        run = session(data, path)[0]
        check.require_close(path, check.greatest_difference(expected, run, style_names))
    try:
        files.write_file(path, data)
    except UserError as error:
        log.warning('the converted network is not kept: %s', error)
    return data


def main(given, made):
    """What `convert` runs: a file with names, card and graph becomes a file with an ONNX network."""
    with open(given, 'rb') as file:
        style_names, card = json.loads(file.readline().decode())
        graph_def = tf.GraphDef.FromString(file.read())
    try:
        data = convert_here(graph_def, style_names, card)
    except UserError as error:
        sys.exit(str(error))
    with open(made, 'wb') as file:
        file.write(data)


if __name__ == '__main__':
    main(*sys.argv[1:])
