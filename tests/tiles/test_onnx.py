"""Tiles in onnxruntime are those of TensorFlow, and so are the parts that they are made of."""

import networks
import numpy as np
import pytest

from resnet_in_tf.exports import onnx_model
from resnet_in_tf.network import frozen, onnx_file, onnx_format
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.tiles import large, rows
from resnet_in_tf.tiles.network import FixedNetwork
from resnet_in_tf.tiles.onnx_network import OnnxNetwork

pytest.importorskip('onnxruntime')
MIX = np.array([.5, .3, .2], np.float32)  # the photo shines through, and lends its palette
ROW = .1 + .2 * np.random.RandomState(0).randn(row_size(4))
WITH_ROW = np.concatenate([[.3, 0, .2], ROW]).astype(np.float32)


@pytest.fixture(scope='module')
def photo(face):
    return face[200:501, 300:642]  # [301, 342, 3], sides that need padding to the grid


class Collected:
    """A sink that keeps what it is given."""

    def __init__(self):
        self.parts = []

    def write(self, pixels, alpha):
        self.parts.append(pixels.astype(int))


def tiled(network, photo, style, exact):
    sink = Collected()
    large.stylize_rows(network, rows.MemorySource(photo), sink, style, large.SMALLEST_TILE ** 2, exact=exact)
    return np.concatenate(sink.parts)


@pytest.mark.parametrize('system, styles', [('resnet_in', [MIX]), ('resnet_any', [MIX, WITH_ROW])])
def test_tiles_of_both_engines_are_the_same(tmp_path, photo, system, styles):
    graph_def, names, card = frozen.read_graph(networks.write_random(tmp_path / 'net.pb', system, width=4))
    data, worst = onnx_model.convert_network(graph_def, names, card, 'net', (1, 2))
    assert worst < 0.01
    one, other = FixedNetwork(graph_def), OnnxNetwork(onnx_format.read(data), 'net', 4, len(names))
    for style in styles:
        for wanted, found in zip(one.statistics_of(photo, style), other.statistics_of(photo, style)):
            assert len(found) == len(wanted) == 2  # scale and shift, or the two of a palette
            assert np.concatenate(found) == pytest.approx(np.concatenate(wanted), abs=1e-4)
        for exact in (False, True):
            assert abs(tiled(one, photo, style, exact) - tiled(other, photo, style, exact)).max() <= 1
    one.close()
    other.close()


def test_the_shipped_network_in_half_the_bytes_paints_the_same_picture(face):
    graph_def, names, card = frozen.read_graph(networks.CHECKPOINT)
    data, _ = onnx_model.convert_network(graph_def, names, card, 'net', half=True)
    assert len(data) < 4e6
    run, photo = onnx_file.session(data, 'net').run, face[None, 200:301, 300:421].astype(np.float32)
    weights = np.linspace(0, 1, len(names))[None] ** 4
    weights = (weights / weights.sum()).astype(np.float32)
    wanted = networks.run(graph_def, 'stylized:0', {'image:0': photo, 'style_weights:0': weights})
    assert abs(run(photo, weights) - wanted).max() < 0.5
    import onnx
    onnx.checker.check_model(onnx.load_model_from_string(data))
