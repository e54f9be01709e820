"""onnxruntime as the engine: a .onnx as it is, and a .pb once TensorFlow has converted it."""

import collections
import functools

from resnet_in_tf import lanes
from resnet_in_tf.errors import UserError
from resnet_in_tf.files import cache_folder
from resnet_in_tf.network import model_file, onnx_file, onnx_format, onnx_predictor
from resnet_in_tf.restyling import precision
from resnet_in_tf.restyling.engines import ByRegion, Engine, with_rows

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
    read, width = onnx_file.read(made.data, model)
    network = onnx_file.session(made.data, model)
    predict, checksum = made.predict, made.checksum
    if network.predictor:
        predict = onnx_predictor.of_file(onnx_predictor.beside(model), network.predictor)
        checksum = functools.partial(str, network.predictor)
    run = with_rows(network.run, network.run, len(network.style_names))

    def tiles(read=read):
        from resnet_in_tf.tiles.onnx_network import OnnxNetwork  # few pictures need it
        return OnnxNetwork(read, model, width, len(network.style_names))
    return Engine('onnxruntime', network.style_names, network.card, run, lambda: None, tiles, width,
                  predict, checksum, made.graph_def, choice, by_region(read, model, tiles, made.graph_def))


def by_region(read, model, tiles, graph_def):
    """A network with regions: engines.ByRegion; None where it is none of onnx_generator's.

    Args:
        read: onnx_format.Model.
        model: its path, for messages.
        tiles: function of such a Model that opens it for tiles.
        graph_def: tf.GraphDef of a .pb that it was converted from; or None.
    """
    if onnx_file.scopes_of(read):
        def made():
            from resnet_in_tf.network import onnx_style_maps  # few pictures have masks
            return onnx_style_maps.with_regions(read, model)
        return ByRegion(lambda: opened(onnx_format.write(made()), model), lambda: tiles(made()))
    if graph_def is None:
        return None
    from resnet_in_tf.restyling import tensorflow_engine  # which has read the graph
    return ByRegion(lambda: opened(converted_by_region(graph_def), model),
                    functools.partial(tensorflow_engine.tiles_by_region, graph_def))


def opened(data, model):
    """Opens a network with regions, as engines.ByRegion has it: bytes of an ONNX file."""
    session = onnx_file.open_session(data, model)
    taken = {each.name for each in session.get_inputs() + session.get_overridable_initializers()}
    fetch = onnx_file.within_memory(session.run)

    def run(feeds):
        return onnx_file.paint(fetch, {name: value for name, value in feeds.items() if name in taken}, model)
    return run, lambda: None


def converted_by_region(graph_def):
    """What tf2onnx makes of the regions of other systems: bytes."""
    from resnet_in_tf.exports import onnx_regions
    return onnx_regions.cached(graph_def, cache_folder())


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
