"""What runs a network: TensorFlow, or onnxruntime, which is faster on a CPU."""

import collections

from resnet_in_tf import lanes, shipped
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import model_file
from resnet_in_tf.restyling import precision

Engine = collections.namedtuple(
    'Engine', 'name style_names card run close tiles width predict checksum graph_def precision '
    'by_region')
Engine.__doc__ = """A network that is open.

Fields:
    name: what runs it, a key of ENGINES and of memory.RUN_BYTES.
    style_names, card: as frozen.read_graph gives them.
    run: function of float32 image [N, H, W, 3] and style_weights [N, S] that gives stylized; where there is
        `predict` also of [N, S + R], with a row that is added to the mix behind the weights. MemoryError
        where the device has too little.
    close: function that gives its memory back.
    tiles: function that opens it once more for pictures larger than memory, as tiles.fixed.FixedNetwork
        tells; None for what runs a picture whole.
    width: int, channels of the first layer, which tell what a run costs.
    predict: function of a painting, float32 [H, W, 3] in [0, 255], that gives its row, float32 [R]; None
        where the network has no style predictor.
    checksum: function that gives what tells one style predictor from another, str; None like predict.
    graph_def: tf.GraphDef as it was frozen, without the style predictor, for --refine; None where no
        TensorFlow has read it.
    precision: precision.Choice, what the network is computed in; its style predictor always in float32.
    by_region: ByRegion; None for a network that paints one style all over.
"""
# Of the last fields; Python 3.6 has no other way.
Engine.__new__.__defaults__ = (None, None, None, precision.Choice(precision.FLOAT32, 'asked for'),
                               None)

ByRegion = collections.namedtuple('ByRegion', 'open tiles')
ByRegion.__doc__ = """A second form of a network, with regions, always in float32.

Fields:
    open: function that opens it: (function of a dict of inputs' names -> float32 that gives stylized, with
        MemoryError as Engine.run; function that gives its memory back).
    tiles: as Engine.tiles.
"""


def start(engine, model, impl='auto', asked=precision.FLOAT32):
    """Opens a network.

    Args:
        engine: a key of ENGINES, or AUTO: onnxruntime for a .onnx and where there is no TensorFlow.
        model: path of a .pb that freeze_graph.py wrote; for onnxruntime a .onnx too.
        impl: instance norm's kernel under TensorFlow: 'auto', 'reference' or 'fused'.
        asked: what it is computed in, one of precision.PRECISIONS.

    Returns:
        Engine.

    Raises:
        UserError: an unknown engine, one that is not installed or lacks bfloat16, or a file it cannot open.
    """
    return ENGINES[chosen(engine, model)](model, impl, asked)


def chosen(engine, model=None):
    """The key of ENGINES that runs a network.

    Args:
        engine: as in `start`.
        model: path, or the name of a network that ships; None for the one that runs by default.

    Raises:
        UserError: an unknown engine.
    """
    if engine == AUTO:
        is_onnx = model is not None and model_file.is_onnx(model_file.first_byte(model), model)
        return 'onnxruntime' if is_onnx or not lanes.has_tensorflow() else 'tensorflow'
    if engine not in ENGINES:
        raise UserError('--engine %s: there are %s' % (engine, ', '.join([AUTO] + sorted(ENGINES))))
    return engine


def network(engine, model):
    """The engine and the path of a network: (key of ENGINES, str); arguments as in `chosen`."""
    engine = chosen(engine, model)
    if model is None or shipped.is_name(model):
        return engine, shipped.path_of(engine, model or shipped.DEFAULT)
    return engine, model


def tensorflow(model, impl, asked):
    """`start` for TensorFlow, which is imported here and nowhere before."""
    try:
        from resnet_in_tf.restyling import tensorflow_engine
    except ImportError as error:
        raise lanes.explain(error, '--engine tensorflow') from error
    return tensorflow_engine.start(model, impl, asked)


def onnxruntime(model, impl, asked):
    """`start` for onnxruntime."""
    from resnet_in_tf.restyling import onnxruntime_engine
    return onnxruntime_engine.start(model, impl, asked)


def with_rows(plain, added, styles):
    """`plain` for style weights alone, `added` where a row stands behind them."""
    def run(image, style):
        if style.shape[1] == styles:
            return plain(image, style)
        return added(image, style[:, :styles], style[:, styles:])
    return run


AUTO = 'auto'
ENGINES = {'tensorflow': tensorflow, 'onnxruntime': onnxruntime}
