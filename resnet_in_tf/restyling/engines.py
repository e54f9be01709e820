"""What runs a network: TensorFlow, or onnxruntime, which is faster on a CPU."""

import collections
import os

import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import onnx_model
from resnet_in_tf.files import cache_folder
from resnet_in_tf.instance_norm import swap_to_fused
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import swap_for_cpu

# run: function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized.
Engine = collections.namedtuple('Engine', 'style_names card run close')


def start(engine, model, impl='auto'):
    """Opens a network.

    Args:
        engine: a key of ENGINES.
        model: path of a .pb that freeze_graph.py wrote; for onnxruntime a .onnx too.
        impl: instance norm's kernel under TensorFlow: 'auto', 'reference' or 'fused'.

    Returns:
        Engine.

    Raises:
        UserError: an unknown engine, one that is not installed, or a file it cannot open.
    """
    if engine not in ENGINES:
        raise UserError('--engine %s: there are %s' % (engine, ', '.join(sorted(ENGINES))))
    return ENGINES[engine](model, impl)


def tensorflow(model, impl):
    if is_onnx(model):
        raise UserError('--model %s: TensorFlow runs a .pb; add --engine onnxruntime' % model)
    graph_def, style_names, card = frozen.read_graph(model)
    graph = tf.Graph()
    with graph.as_default():
        try:
            graph_def = swap_for_cpu(swap_to_fused(graph_def, impl))
            tf.import_graph_def(graph_def, name='')
        except RuntimeError as error:
            raise UserError('--impl %s: %s' % (impl, str(error).split('\n')[0])) from error
        except (ValueError, tf.errors.OpError) as error:
            raise UserError('--model %s: damaged, or of a newer TensorFlow (%s)'
                            % (model, str(error).split('. ')[0])) from error
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    session = tf.Session(graph=graph, config=config)
    run = session.make_callable(
        frozen.STYLIZED + ':0', [frozen.IMAGE + ':0', frozen.STYLE_WEIGHTS + ':0'])
    return Engine(style_names, card, run, session.close)


def onnxruntime(model, impl):
    if impl == 'fused':
        raise UserError('--impl fused: is a kernel for TensorFlow, not for --engine onnxruntime')
    if is_onnx(model):
        try:
            with open(model, 'rb') as file:
                data = file.read()
        except OSError as error:
            raise UserError('--model %s: %s' % (model, error.strerror)) from error
    else:
        data = onnx_model.cached(*frozen.read_graph(model), folder=cache_folder())
    run, style_names, card = onnx_model.session(data, model)
    return Engine(style_names, card, run, lambda: None)


def is_onnx(model):
    return os.path.splitext(model)[1].lower() == '.onnx'


ENGINES = {'tensorflow': tensorflow, 'onnxruntime': onnxruntime}
