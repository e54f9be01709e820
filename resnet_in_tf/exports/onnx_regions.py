"""Regions of the systems that tf2onnx converts, for onnxruntime: converted once, compared, and kept."""

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.exports import check, onnx_convert, onnx_model
from resnet_in_tf.exports.plain import plain_graph
from resnet_in_tf.graphs import session_config
from resnet_in_tf.network import frozen, onnx_file, style_maps


def cached(graph_def, folder):
    """A network with regions, from a cache or converted and kept: bytes of an ONNX file.

    Args:
        graph_def: as in style_maps.with_regions.
        folder: the cache; one that cannot be written is done without.

    Raises:
        UserError: it cannot be converted, or differs.
    """
    graph_def = style_maps.with_regions(graph_def)
    return onnx_model.kept(graph_def, folder, 'regions', 'network with regions',
                           lambda name: convert_checked(graph_def, name))


def convert_checked(graph_def, name):
    """Converts a network with regions, and compares it with the graph.

    Args:
        graph_def: tf.GraphDef, of style_maps.with_regions.
        name: what to call it in a message.

    Returns:
        (bytes of an ONNX file, greatest difference).
    """
    inputs = [frozen.IMAGE, frozen.STYLE_WEIGHTS]
    if frozen.has_row(graph_def):
        inputs.append(frozen.ROW)
    plain = plain_graph(graph_def, row=True)
    known = {node.name for node in plain.node}  # without norms there are no statistics, nor small copies
    inputs += [name for name in style_maps.INPUTS if name in known]
    data = onnx_convert.convert(plain, inputs, frozen.STYLIZED, {},
                                'Style transfer by region; image and stylized are RGB in [0, 255]')
    session = onnx_file.open_session(data, name)
    worst = 0.0
    with tf.Graph().as_default() as graph, tf.Session(graph=graph, config=session_config()) as tensorflow:
        tf.import_graph_def(graph_def, name='')
        for size in check.SIZES:
            feeds = example(size, graph_def, known)
            worst = max(worst, check.difference(
                tensorflow.run(frozen.STYLIZED + ':0', {key + ':0': value for key, value in feeds.items()}),
                session.run([frozen.STYLIZED], feeds)[0]))
    check.require_close(name, worst)
    return data, worst


def example(size, graph_def, known):
    """A photo of (width, height) in the first style above and the photo itself below: dict of the inputs."""
    pixels = check.photo(*size).astype(np.float32)[None]
    share = np.linspace(0, 1, size[1], dtype=np.float32)[None, :, None, None] * np.ones_like(pixels[..., :1])
    shares = np.concatenate([1 - share, share], 3)  # [1, H, W, 2]
    feeds = {frozen.IMAGE: pixels, style_maps.REGIONS: shares, style_maps.SMALL_IMAGE: pixels,
             style_maps.SMALL_REGIONS: shares,
             frozen.STYLE_WEIGHTS: np.eye(frozen.count_styles(graph_def), dtype=np.float32)[[0, -1]]}
    return {name: value for name, value in feeds.items() if name in known}
