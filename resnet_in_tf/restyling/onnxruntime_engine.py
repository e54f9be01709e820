"""onnxruntime as the engine: a .onnx as it is, and a .pb once TensorFlow has converted it."""

import collections
import functools

from resnet_in_tf import lanes
from resnet_in_tf.errors import UserError
from resnet_in_tf.files import cache_folder
from resnet_in_tf.network import model_file, onnx_file, onnx_predictor
from resnet_in_tf.restyling import precision
from resnet_in_tf.restyling.engines import Engine, with_rows

Converted = collections.namedtuple('Converted', 'data predict checksum graph_def')


def start(model, impl, asked):
    """Opens a network: engines.Engine; arguments and errors as in engines.start."""
    if impl == 'fused':
        raise UserError('--impl fused: is a kernel for TensorFlow, not for --engine onnxruntime')
    choice = precision.choose(asked, 'onnxruntime computes in float32', None)
    data = model_file.read_model(model)
    made = Converted(data, None, None, None)
    if not model_file.is_onnx(data, model):
        made = converted(data, model)
    width = onnx_file.first_width(made.data, model)
    network = onnx_file.session(made.data, model)
    predict, checksum = made.predict, made.checksum
    if network.predictor:
        predict = onnx_predictor.of_file(onnx_predictor.beside(model), network.predictor)
        checksum = functools.partial(str, network.predictor)
    run = with_rows(network.run, network.run, len(network.style_names))

    def tiles():
        from resnet_in_tf.tiles.onnx_network import OnnxNetwork  # few pictures need it
        return OnnxNetwork(made.data, model, width, len(network.style_names))
    return Engine('onnxruntime', network.style_names, network.card, run, lambda: None, tiles, width,
                  predict, checksum, made.graph_def, choice)


def converted(data, model):
    """What TensorFlow makes of a .pb: Converted.

    Args:
        data: bytes of the file.
        model: its path, for messages.
    """
    try:
        from resnet_in_tf.exports import onnx_model
        from resnet_in_tf.network import frozen
        from resnet_in_tf.restyling.tensorflow_engine import checksum_of
    except ImportError as error:
        raise lanes.explain(error, '--model %s: a .onnx, as freeze_graph.py --format onnx makes it, does '
                            'without; a .pb' % model) from error
    frozen_def, style_names, card = frozen.parse_graph(data, model)
    generator = frozen.generator_of(frozen_def)
    made = Converted(onnx_model.cached(generator, style_names, card, folder=cache_folder()),
                     None, None, generator)
    if frozen.has_predictor(frozen_def):
        made = made._replace(predict=onnx_model.predictor_of(frozen_def, cache_folder()),
                             checksum=checksum_of(frozen_def))
    return made
