"""What the page does around the network, once more in numpy: to compare an export with its .pb."""

import functools
import os

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.exports import check
from resnet_in_tf.exports.web.network import WEIGHTS
from resnet_in_tf.network import onnx_file
from resnet_in_tf.pictures import palette as palettes
from resnet_in_tf.pictures.color import TO_RGB, TO_YUV
from resnet_in_tf.tiles import grid as grids


def difference(network, graph_def, style_names):
    """The greatest difference of a network for the browser from its .pb, whole and as a tile.

    Args:
        network: network.Network.
        graph_def, style_names: as frozen.read_graph gives them.

    Returns:
        float, grey levels of 255; infinite where a value is not finite.
    """
    with files.own_temporary_folder() as folder:
        for name, data in ((WEIGHTS, network.weights), ('whole', network.whole), ('tiles', network.tiles)):
            with open(os.path.join(folder, name), 'wb') as file:
                file.write(data)
        whole, tiles = [onnx_file.open_session(os.path.join(folder, name), '--format web')
                        for name in ('whole', 'tiles')]

    def run(second, image, weights):
        return np.stack([paint(network, whole, second, *each) for each in zip(image, weights)])

    with check.reference(graph_def) as expected:
        return max(check.greatest_difference(expected, functools.partial(run, second), style_names)
                   for second in (None, tiles))


def paint(network, whole, tiles, photo, style_weights):
    """Restyles one picture: float32 [H, W, 3].

    Args:
        network: network.Network.
        whole, tiles: onnxruntime.InferenceSession of both graphs. With `tiles` the statistics that a pass of
            the first tells are given to the second; it may be None.
        photo: float32 [H, W, 3].
        style_weights: float32 [S].
    """
    (rows, top), (columns, left) = [grids.padded(length) for length in photo.shape[:2]]
    image = np.ascontiguousarray(photo[rows][:, columns].transpose(2, 0, 1)[None])
    row = style_weights[None] @ network.table
    painted, affine = whole.run(['painted', 'affine'], {'image': image, 'row': row})
    if tiles:
        painted, = tiles.run(['painted'], {'image': image, 'affine': affine})
    painted = painted[0].transpose(1, 2, 0)[top:top + photo.shape[0], left:left + photo.shape[1]]
    if network.palettes is not None:
        wanted = style_weights[:-1] @ network.palettes[:-1] + (
            style_weights[-1] * palettes.palette_of_picture(photo))
        painted = np.clip(taken_on(painted, wanted), -1, 1)
    share = np.clip(style_weights[-1], 0, 1) ** 2
    return (1 - share) * 127.5 * (painted + 1) + share * photo


def taken_on(x, wanted):
    """As palette.take_on: [H, W, 3] in [-1, 1] and [9] to [H, W, 3]."""
    own = palettes.palette_of_picture(127.5 * (x + 1))
    lower = palettes.lower_triangle(wanted) @ np.linalg.inv(palettes.lower_triangle(own))
    matrix = TO_RGB @ lower @ TO_YUV
    return x @ matrix.T + TO_RGB @ (wanted[:3] - lower @ own[:3])
