"""What runs a network: TensorFlow, or onnxruntime, which is faster on a CPU."""

import collections
import functools

import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import onnx_model, onnx_predictor
from resnet_in_tf.files import cache_folder
from resnet_in_tf.graphs import session_config
from resnet_in_tf.instance_norm import swap_to_fused
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import swap_for_cpu

Engine = collections.namedtuple('Engine', 'name style_names card run close graph_def width predict checksum')
Engine.__doc__ = """A network that is open.

Fields:
    name: what runs it, a key of ENGINES and of memory.RUN_BYTES.
    style_names, card: as frozen.read_graph gives them.
    run: function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized; where there is
        `predict` also of [N, S + R], with a row that is added to the mix behind the weights.
    close: function that gives its memory back.
    graph_def: tf.GraphDef as it was frozen, for tiles; None for an ONNX file.
    width: int, channels of the first layer, which tell what a run costs.
    predict: function of a painting, float32 [H, W, 3] in [0, 255], that gives its row, float32 [R]; None
        where the network has no style predictor.
    checksum: function that gives what tells one style predictor from another, str; None like predict.
"""
Engine.__new__.__defaults__ = (None, None)  # of the last fields; Python 3.6 has no other way


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
    data = frozen.read_model(model)
    if is_onnx(data, model):
        raise UserError('--model %s: TensorFlow runs a .pb; add --engine onnxruntime' % model)
    frozen_def, style_names, card = frozen.parse_graph(data, model)
    graph = tf.Graph()
    with graph.as_default():
        try:
            graph_def = swap_for_cpu(swap_to_fused(frozen_def, impl))
        except RuntimeError as error:
            raise UserError('--impl %s: %s' % (impl, str(error).split('\n')[0])) from error
        frozen.import_graph(graph_def, model)
    session = tf.Session(graph=graph, config=session_config())
    inputs = [frozen.IMAGE + ':0', frozen.STYLE_WEIGHTS + ':0']
    run, predict, checksum = session.make_callable(frozen.STYLIZED + ':0', inputs), None, None
    if frozen.has_predictor(frozen_def):
        run = with_rows(run, session.make_callable(frozen.STYLIZED + ':0', inputs + [frozen.ROW + ':0']),
                        len(style_names))
        rows = session.make_callable(frozen.STYLE_ROW + ':0', [frozen.STYLE_IMAGE + ':0'])

        def predict(painting):
            return rows(painting[None])[0]
        checksum = checksum_of(frozen_def)
    return Engine('tensorflow', style_names, card, run, session.close, frozen.generator_of(frozen_def),
                  frozen.first_width(frozen_def), predict, checksum)


def with_rows(plain, added, styles):
    """`plain` for style weights alone, `added` where a row stands behind them."""
    def run(image, style):
        if style.shape[1] == styles:
            return plain(image, style)
        return added(image, style[:, :styles], style[:, styles:])
    return run


def onnxruntime(model, impl):
    if impl == 'fused':
        raise UserError('--impl fused: is a kernel for TensorFlow, not for --engine onnxruntime')
    data, graph_def, predict, checksum = frozen.read_model(model), None, None, None
    if not is_onnx(data, model):
        frozen_def, style_names, card = frozen.parse_graph(data, model)
        graph_def = frozen.generator_of(frozen_def)
        data = onnx_model.cached(graph_def, style_names, card, folder=cache_folder())
        if frozen.has_predictor(frozen_def):
            predict = onnx_predictor.of_graph(frozen_def, cache_folder())
            checksum = checksum_of(frozen_def)
    width = onnx_model.first_width(data, model)
    network = onnx_model.session(data, model)
    if network.predictor:
        predict = onnx_predictor.of_file(onnx_predictor.beside(model), network.predictor)
        checksum = functools.partial(str, network.predictor)
    run = with_rows(network.run, network.run, len(network.style_names))
    return Engine('onnxruntime', network.style_names, network.card, run, lambda: None, graph_def, width,
                  predict, checksum)


def checksum_of(graph_def):
    """A function that gives the checksum of a network's style predictor, computed when it is asked for."""
    return functools.lru_cache(maxsize=None)(lambda: onnx_predictor.checksum(
        frozen.predictor_of(graph_def).SerializeToString(deterministic=True)))


def is_onnx(data, path):
    """Whether a model is ONNX: its first field is a number, a GraphDef's a node.

    What is neither goes by its name, so that the right reader says what is wrong with it.
    """
    return data[:1] == b'\x08' or data[:1] != b'\n' and path.lower().endswith('.onnx')


ENGINES = {'tensorflow': tensorflow, 'onnxruntime': onnxruntime}
