"""Reflection padding by a gather is MirrorPad to the bit, and takes its place in a graph."""

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import padding, swap, swap_for_cpu
from resnet_in_tf.tiles.network import FixedNetwork

RULES = [padding.reflection]
PADDINGS = [((1, 1), (1, 1)), ((1, 0), (1, 0)), ((4, 4), (4, 4)), ((0, 3), (2, 0))]
SHAPES = [(1, 5, 5, 1), (2, 5, 8, 3), (3, 16, 7, 4), (0, 6, 6, 2)]


def padded(x, rows, columns, name='pad'):
    return tf.pad(x, [[0, 0], rows, columns, [0, 0]], 'REFLECT', name=name)


def ops(graph_def, op):
    return [node.name for node in graph_def.node if node.op == op]


@pytest.fixture(scope='module')
def pads():
    """A function of pixels, rows and columns that gives the gather's result."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, None, None])
        tensors = {each: padding.reflect_pad(x, *each, name='p%d' % number)
                   for number, each in enumerate(PADDINGS + [((1, 1), (0, 0))])}
        yield lambda pixels, *each: session.run(tensors[each], {x: pixels})


@pytest.mark.parametrize('rows, columns', PADDINGS)
@pytest.mark.parametrize('shape', SHAPES)
def test_gather_reflects_without_repeating_the_edge(pads, shape, rows, columns):
    pixels = np.random.RandomState(0).randn(*shape).astype(np.float32)
    expected = np.pad(pixels, [(0, 0), rows, columns, (0, 0)], 'reflect')
    np.testing.assert_array_equal(pads(pixels, rows, columns), expected)


def test_smallest_size_is_the_padding_and_one(pads):
    pixels = np.arange(2.).reshape([1, 2, 1, 1])
    assert pads(pixels, (1, 1), (0, 0)).ravel().tolist() == [1, 0, 1, 0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        pads(pixels[:, :1], (1, 1), (0, 0))


def test_each_padding_is_swapped_and_the_tensor_keeps_its_name():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 9, None, 2], 'x')
        tf.identity(padded(padded(x, (4, 4), (4, 4), 'scope/first'), (1, 0), (1, 1)), 'y')
        graph_def = graph.as_graph_def()
    swapped = swap_for_cpu(graph_def, RULES)
    assert ops(graph_def, 'MirrorPad') == ['scope/first', 'pad']
    assert ops(swapped, 'GatherV2') == ['scope/first', 'pad']
    pixels = np.random.RandomState(1).randn(2, 9, 6, 2)
    values = [networks.run(each, ['scope/first:0', 'y:0'], {'x:0': pixels})
              for each in (graph_def, swapped)]
    for expected, value in zip(*values):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize('pad', [
    lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], 'SYMMETRIC'),
    lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
    lambda x: tf.pad(x, [[1, 0], [1, 1], [1, 1], [0, 0]], 'REFLECT'),
    lambda x: tf.pad(x[0], [[1, 1], [1, 1], [0, 0]], 'REFLECT'),
    lambda x: tf.pad(x, tf.placeholder(tf.int32, [4, 2]), 'REFLECT')])
def test_other_padding_stays(pad):
    with tf.Graph().as_default() as graph:
        pad(tf.placeholder(tf.float32, [None, None, None, 3]))
        graph_def = graph.as_graph_def()
    assert swap_for_cpu(graph_def, RULES) == graph_def


def test_graph_stays_where_there_is_a_gpu(monkeypatch):
    with tf.Graph().as_default() as graph:
        padded(tf.placeholder(tf.float32, [None, None, None, 3]), (1, 1), (1, 1))
        graph_def = graph.as_graph_def()
    monkeypatch.setattr(swap, 'gpu_is_visible', lambda: True)
    assert swap_for_cpu(graph_def, RULES) == graph_def


@pytest.mark.parametrize('size', [(1, 1, 1), (2, 61, 47)])
def test_shipped_network_paints_the_same_picture_to_the_bit(size):
    graph_def, _, _ = frozen.read_graph(networks.CHECKPOINT)
    swapped = swap_for_cpu(graph_def, RULES)
    before, after = [len(ops(each, 'GatherV2')) for each in (graph_def, swapped)]
    assert len(ops(graph_def, 'MirrorPad')) == after - before == 16
    photo = np.random.RandomState(2).uniform(0, 255, size + (3,))
    pictures = [networks.run(each, frozen.STYLIZED + ':0', {frozen.IMAGE + ':0': photo})
                for each in (graph_def, swapped)]
    np.testing.assert_array_equal(*pictures)


def test_tiles_are_padded_by_gathers(tmp_path):
    network = FixedNetwork(frozen.read_graph(networks.write_random(tmp_path / 'random.pb'))[0])
    gathers = ops(network.session.graph_def, 'GatherV2')
    assert sum(name.endswith('/pad') for name in gathers) == 32  # 16 in each of its two forms
    network.close()
