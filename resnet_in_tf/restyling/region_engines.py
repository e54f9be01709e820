"""What runs a network with regions: a second form of it, opened when a picture first has some."""

import tensorflow.compat.v1 as tf

from resnet_in_tf.exports import onnx_regions
from resnet_in_tf.files import cache_folder
from resnet_in_tf.graphs import session_config, within_memory
from resnet_in_tf.instance_norm import swap_to_fused
from resnet_in_tf.network import frozen, onnx_file, style_maps
from resnet_in_tf.network.cpu_graph import swap_for_cpu
from resnet_in_tf.network.regions import SMALL_PIXELS
from resnet_in_tf.pictures import images
from resnet_in_tf.tiles.network import FixedNetwork
from resnet_in_tf.tiles.rows import MemorySource, reduced_copy


class RegionEngine:
    """Restyles pictures by region, always in float32.

    Args:
        engine: engines.Engine, the network without regions; with a graph.
        impl: as in engines.start.
    """

    def __init__(self, engine, impl='auto'):
        self.styles = len(engine.style_names)
        self.run, self.close = ENGINES[engine.name](engine, style_maps.with_regions(engine.graph_def), impl)

    def stylize(self, pixels, regions):
        """Restyles one picture: float32 [H, W, 3] for uint8 or float32 [H, W, 3] in [0, 255] and Regions."""
        small = reduced_copy(MemorySource(images.bytes_of(pixels)), SMALL_PIXELS)
        weights, feeds = regions.fed(small, regions.masks.shares(*pixels.shape[:2]))
        feeds.update({frozen.IMAGE: pixels[None], frozen.STYLE_WEIGHTS: weights[:, :self.styles]})
        if weights.shape[1] > self.styles:
            feeds[frozen.ROW] = weights[:, self.styles:]
        return self.run(feeds)[0]


def tiles(engine):
    """A network with regions for pictures larger than memory, under TensorFlow: FixedNetwork."""
    return FixedNetwork(style_maps.with_regions(engine.graph_def))


def tensorflow(engine, graph_def, impl):
    """What runs it under TensorFlow: (function of a dict name -> array, function that closes it)."""
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(swap_for_cpu(swap_to_fused(graph_def, impl)), name='')
    session = tf.Session(graph=graph, config=session_config())

    def run(feeds):
        return session.run(frozen.STYLIZED + ':0', {name + ':0': value for name, value in feeds.items()})
    return within_memory(run), session.close


def onnxruntime(engine, graph_def, impl):
    """The same under onnxruntime."""
    session = onnx_regions.cached_session(graph_def, cache_folder())
    taken = {each.name for each in session.get_inputs()}

    def run(feeds):
        known = {name: value for name, value in feeds.items() if name in taken}
        return session.run([frozen.STYLIZED], known)[0]
    return onnx_file.within_memory(run), lambda: None


ENGINES = {'tensorflow': tensorflow, 'onnxruntime': onnxruntime}
