"""ONNX: one file for onnxruntime and its kin, and one for the style predictor of a network that has one."""

import collections

from resnet_in_tf import files
from resnet_in_tf.exports import check, onnx_model
from resnet_in_tf.network import frozen, onnx_predictor


def write(graph_def, style_names, card, output, weights=('float32',)):
    """Writes a network as ONNX, checked in onnxruntime at several sizes and as a batch.

    Inputs: image float32 [N, H, W, 3] in [0, 255] and style_weights float32 [N, S]; output:
    stylized float32 [N, H, W, 3]. A network of resnet_any has row float32 [N, R], too, nothing where it
    is not fed. Metadata: style_names and card, both JSON. A style predictor goes into a file beside
    it, whose checksum the metadata then hold as well.

    Args:
        graph_def, style_names, card: as frozen.read_graph gives them.
        output: path of the .onnx to write.
        weights: list of one, float32 or float16: the type that kernels are kept in; they are computed with in
            float32. A style predictor keeps the type that it has in the .pb.

    Returns:
        List of check.Written.

    Raises:
        UserError: as in exports.export.
    """
    made, predictor = collections.OrderedDict(), None
    if frozen.has_predictor(graph_def):
        path = onnx_predictor.beside(output)
        data = onnx_model.convert_predictor(graph_def, path)
        predictor = onnx_predictor.checksum(data[0])
        made[path] = data
    graph_def = frozen.generator_of(graph_def)
    made[output] = onnx_model.convert_network(graph_def, style_names, card, output, (1, 2), predictor,
                                              weights[0] == 'float16')
    for path, (data, _) in made.items():  # only when all are good; the network last
        files.write_file(path, data)
    return [check.Written(path, len(data), worst) for path, (data, worst) in reversed(made.items())]
