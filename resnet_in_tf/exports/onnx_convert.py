"""From a frozen graph to the bytes of an ONNX file, the same ones each time."""

import json
import logging
import os
import subprocess
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports.canonical import canonical_onnx
from resnet_in_tf.network import frozen, interface, onnx_file

OPSET = 11  # the first whose Resize computes what TensorFlow's does
AXES = {frozen.IMAGE: ('N', 'H', 'W'), frozen.STYLE_WEIGHTS: ('N',), frozen.ROW: ('rows',),
        frozen.STYLIZED: ('N', 'H', 'W'), frozen.STYLE_IMAGE: ('N', 'H', 'W'), frozen.STYLE_ROW: ('N',)}
AXES_BY_REGION = {frozen.STYLE_WEIGHTS: ('K',), interface.REGIONS: ('N', 'H', 'W', 'K'),
                  interface.SMALL_IMAGE: ('N', 'h', 'w'), interface.SMALL_REGIONS: ('N', 'h', 'w', 'K')}
SMALL = 100  # numbers: a constant of fewer is left as it is


def convert(graph_def, inputs, output, metadata, description):
    """A graph as the bytes of an ONNX file, the same ones each time.

    tf2onnx goes through sets of names: in what order, and so what it simplifies, Python draws by
    lot for each process. It runs in one of its own, for which that is settled.

    Args:
        graph_def: tf.GraphDef whose inputs are placeholders.
        inputs: list of their names, keys of AXES, or with `regions` of AXES_BY_REGION; ROW may be left out
            when the file is run.
        output: name of the output, a key of AXES.
        metadata: dict from names to what JSON can hold.
        description: str, for whoever looks into the file.

    Raises:
        UserError: tf2onnx is not installed, or cannot convert the graph.
    """
    with files.own_temporary_folder() as folder:
        given, made = os.path.join(folder, 'given'), os.path.join(folder, 'made')
        with open(given, 'wb') as file:
            file.write(json.dumps([inputs, output, metadata, description]).encode() + b'\n'
                       + graph_def.SerializeToString())
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


def convert_here(graph_def, inputs, output, metadata, description):
    """As `convert`, in this process, whose hash seed has a say in the result."""
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise UserError('ONNX: %s; %s' % (error, onnx_file.INSTALL)) from error
    logging.getLogger('tf2onnx').setLevel(logging.ERROR)
    try:
        model, _ = tf2onnx.convert.from_graph_def(
            graph_def, input_names=[name + ':0' for name in inputs], output_names=[output + ':0'],
            opset=OPSET, tensors_to_rename={name + ':0': name for name in inputs + [output]})
    except Exception as error:  # tf2onnx raises whatever its rewriters happen to
        raise UserError('ONNX: tf2onnx %s cannot convert this network (%s)'
                        % (tf2onnx.__version__, str(error).split('\n')[0])) from error
    axes = dict(AXES, **AXES_BY_REGION) if interface.REGIONS in inputs else AXES
    for value in list(model.graph.input) + list(model.graph.output):
        sides = value.type.tensor_type.shape.dim
        for side, name in zip(sides, axes[value.name]):
            side.dim_param = name
        if value.name == frozen.ROW:
            nothing = onnx.numpy_helper.from_array(np.zeros([1, sides[1].dim_value], np.float32), value.name)
    halve(model.graph)
    canonical_onnx(model)
    if frozen.ROW in inputs:
        model.graph.initializer.extend([nothing])  # what it is where it is not fed
    model.doc_string = description
    onnx.helper.set_model_props(model, {name: value if isinstance(value, str) else json.dumps(
        value, sort_keys=True) for name, value in metadata.items()})
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def halve(graph):
    """Keeps what was float16 in the graph, and is again, in half its bytes.

    Args:
        graph: onnx.GraphProto; it is changed.
    """
    import onnx
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALL:
            continue
        with np.errstate(over='ignore'):
            half = values.astype(np.float16)
        if (half == values).all():
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(half, name + '_half'))
            graph.node.insert(0, onnx.helper.make_node('Cast', [tensor.name], [name],
                                                       to=onnx.TensorProto.FLOAT))


def main(given, made):
    """What `convert` runs: a file with its arguments and graph becomes a file with an ONNX network."""
    with open(given, 'rb') as file:
        arguments = json.loads(file.readline().decode())
        graph_def = tf.GraphDef.FromString(file.read())
    try:
        data = convert_here(graph_def, *arguments)
    except UserError as error:
        sys.exit(str(error))
    with open(made, 'wb') as file:
        file.write(data)


if __name__ == '__main__':
    main(*sys.argv[1:])
