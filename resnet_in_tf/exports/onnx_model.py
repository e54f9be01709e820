"""ONNX: a network for onnxruntime and its kin, any batch and any size; and its style predictor."""

import hashlib
import logging
import os

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.exports import check, onnx_convert
from resnet_in_tf.exports.plain import plain_graph
from resnet_in_tf.network import frozen, onnx_file, onnx_generator, onnx_predictor, onnx_steps

FORM = b'opset %d, written 2\0' % onnx_steps.OPSET  # of what the cache keeps; else it is made anew


def convert_network(graph_def, style_names, card, name, batches=(1,), predictor=None, half=False):
    """Converts a network without its style predictor, and compares it with the graph.

    One with instance norms is written as onnxruntime likes it, without tf2onnx; other systems are converted.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        name: what to call it in a message.
        batches: as in check.greatest_difference.
        predictor: as in onnx_file.Network.
        half: as in onnx_generator.serialized.

    Returns:
        (bytes of an ONNX file, greatest difference).

    Raises:
        UserError: as in convert; or it differs.
    """
    inputs, metadata = [frozen.IMAGE, frozen.STYLE_WEIGHTS], {'style_names': style_names, 'card': card}
    if frozen.has_row(graph_def):
        inputs.append(frozen.ROW)
    if predictor:
        metadata['predictor'] = predictor
    variables = frozen.read_variables(graph_def)
    if onnx_generator.can_write(variables, {node.name for node in graph_def.node}):
        data = onnx_generator.serialized(variables, style_names, card, half, predictor)
    elif half:
        raise UserError('--weights float16: is for a network with instance norms; give float32')
    else:
        data = onnx_convert.convert(plain_graph(graph_def, row=True), inputs, frozen.STYLIZED, metadata,
                                    'Style transfer; image and stylized are RGB in [0, 255]')
    run = onnx_file.session(data, name).run
    with check.reference(graph_def) as expected:
        worst = check.greatest_difference(expected, run, style_names, batches=batches)
        if frozen.has_row(graph_def):
            worst = max(worst, check.difference_with_row(expected, run, style_names,
                                                         frozen.first_width(graph_def)))
    check.require_close(name, worst)
    return data, worst


def convert_predictor(graph_def, name):
    """Converts the style predictor of a network, and compares what its rows paint.

    Input: style_image float32 [N, H, W, 3] in [0, 255]; output: style_row float32 [N, R].

    Args:
        graph_def: tf.GraphDef of a network that has one.
        name: what to call it in a message.

    Returns:
        (bytes of an ONNX file, greatest difference of the pictures).

    Raises:
        UserError: tf2onnx is not installed or cannot convert it, or it differs.
    """
    data = onnx_convert.convert(frozen.predictor_of(graph_def), [frozen.STYLE_IMAGE], frozen.STYLE_ROW, {},
                                'Style predictor; style_image is RGB in [0, 255]')
    worst = check.row_difference(graph_def, onnx_predictor.session(data, name))
    check.require_close(name, worst)
    return data, worst


def cached(graph_def, style_names, card, folder):
    """The ONNX form of a network without style predictor, from a cache or converted and kept.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        folder: the cache; one that cannot be written is done without.

    Returns:
        bytes.

    Raises:
        UserError: as in convert_network.
    """
    return kept(graph_def, folder, 'network', 'network',
                lambda name: convert_network(graph_def, style_names, card, name))


def kept(graph_def, folder, stem, what, convert):
    """What `convert` makes of a graph, from a cache where it is there.

    Args:
        graph_def: tf.GraphDef.
        folder: the cache; one that cannot be written is done without.
        stem: str that the file's name begins with.
        what: str, what is converted, for the log.
        convert: function of a name for messages that gives (bytes of an ONNX file, difference).

    Returns:
        bytes.
    """
    log = logging.getLogger('resnet_in_tf')
    stem = '%s-%s' % (stem, hashlib.sha256(
        FORM + graph_def.SerializeToString(deterministic=True)).hexdigest()[:32])
    found = files.find_cached(folder, stem, '.onnx')
    if found:
        return found[1]
    log.info('converting the %s for onnxruntime, once, into %s', what, folder)
    data, _ = convert(os.path.join(folder, stem + '.onnx'))
    try:
        files.write_file(files.cached_path(folder, stem, '.onnx', data), data)
    except UserError as error:
        log.warning('the converted %s is not kept: %s', what, error)
    return data


def predictor_of(graph_def, folder):
    """The style predictor of a .pb.

    Args:
        graph_def: tf.GraphDef of a network that has one.
        folder: the cache of converted networks.

    Returns:
        Function of a painting, float32 [H, W, 3], that gives its row, float32 [R].
    """
    def read():
        return kept(frozen.predictor_of(graph_def), folder, 'predictor', 'style predictor',
                    lambda name: convert_predictor(graph_def, name)), folder
    return onnx_predictor.lazily(read)
