"""TensorFlow as the engine: a frozen graph, with a CPU's faster nodes and the fused norm where they run."""

import functools

import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.files import cache_folder
from resnet_in_tf.graphs import session_config, within_memory
from resnet_in_tf.instance_norm import swap_to_fused
from resnet_in_tf.network import frozen, model_file, onnx_predictor, style_maps
from resnet_in_tf.network.cpu_graph import swap_for_cpu
from resnet_in_tf.restyling import bfloat16, precision
from resnet_in_tf.restyling.engines import ByRegion, Engine, with_rows
from resnet_in_tf.tiles.network import FixedNetwork


def start(model, impl, asked):
    """Opens a .pb: engines.Engine; arguments and errors as in engines.start."""
    data = model_file.read_model(model)
    if model_file.is_onnx(data, model):
        raise UserError('--model %s: TensorFlow runs a .pb; add --engine onnxruntime' % model)
    frozen_def, style_names, card = frozen.parse_graph(data, model)
    graph = tf.Graph()
    with graph.as_default():
        try:
            graph_def = swap_for_cpu(swap_to_fused(frozen_def, impl))
        except RuntimeError as error:
            raise UserError('--impl %s: %s' % (impl, str(error).split('\n')[0])) from error
        frozen.import_graph(graph_def, model)
    choice = bfloat16.choose(asked, graph, len(style_names), cache_folder())
    half = precision.is_half(choice)
    session = tf.Session(graph=graph, config=session_config(half))
    # Rows of paintings are kept, and serve float32 too.
    exact = tf.Session(graph=graph, config=session_config()) if half else session
    inputs = [frozen.IMAGE + ':0', frozen.STYLE_WEIGHTS + ':0']
    run, predict, checksum = session.make_callable(frozen.STYLIZED + ':0', inputs), None, None
    if frozen.has_predictor(frozen_def):
        run = with_rows(run, session.make_callable(frozen.STYLIZED + ':0', inputs + [frozen.ROW + ':0']),
                        len(style_names))
        rows = within_memory(exact.make_callable(frozen.STYLE_ROW + ':0', [frozen.STYLE_IMAGE + ':0']))

        def predict(painting):
            return rows(painting[None])[0]
        checksum = checksum_of(frozen_def)

    def close():
        session.close()
        exact.close()
    generator = frozen.generator_of(frozen_def)
    return Engine('tensorflow', style_names, card, within_memory(run), close,
                  functools.partial(FixedNetwork, generator, half), frozen.first_width(frozen_def), predict,
                  checksum, generator, choice, ByRegion(functools.partial(open_by_region, generator, impl),
                                                        functools.partial(tiles_by_region, generator)))


def open_by_region(graph_def, impl):
    """Opens a network with regions, as engines.ByRegion has it.

    Args:
        graph_def: as in style_maps.with_regions.
        impl: as in engines.start.
    """
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(swap_for_cpu(swap_to_fused(style_maps.with_regions(graph_def), impl)), name='')
    session = tf.Session(graph=graph, config=session_config())

    def run(feeds):
        return session.run(frozen.STYLIZED + ':0', {name + ':0': value for name, value in feeds.items()})
    return within_memory(run), session.close


def tiles_by_region(graph_def):
    """The same for pictures larger than memory: FixedNetwork."""
    return FixedNetwork(style_maps.with_regions(graph_def))


def checksum_of(graph_def):
    """A function that gives the checksum of a network's style predictor, computed when it is asked for."""
    part = frozen.predictor_of(graph_def)  # TensorFlow 2.15 writes its defaults into a graph that it imports
    return functools.lru_cache(maxsize=None)(lambda: onnx_predictor.checksum(
        part.SerializeToString(deterministic=True)))
