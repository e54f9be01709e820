"""What is swapped where a graph is loaded for a CPU paints the same as the plain form."""

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.instance_norm import swap_to_fused
from resnet_in_tf.network import frozen
from resnet_in_tf.network.cpu_graph import few_outputs, swap, swap_for_cpu, upsampling
from resnet_in_tf.network.generator import upsample
from resnet_in_tf.tiles.network import FixedNetwork

UP, FEW = [upsampling.upsampled_convolution], [few_outputs.convolution_to_few]


def conv(x, kernel, stride=1, padding='VALID', name='conv'):
    return tf.nn.conv2d(x, tf.constant(kernel, tf.float32, name='kernel'), [1, stride, stride, 1],
                        padding, name=name)


def pad_by_one(x, mode='REFLECT'):
    return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode)


def graph_of(build, channels):
    """GraphDef of what `build` makes of the placeholder `x` with that many channels."""
    with tf.Graph().as_default() as graph:
        build(tf.placeholder(tf.float32, [None, None, None, channels], 'x'))
        return graph.as_graph_def()


def run(graph_def, fetch='conv:0', **feeds):
    return networks.run(graph_def, fetch, {name + ':0': value for name, value in feeds.items()})


def random(*shape):
    return np.random.RandomState(len(shape)).randn(*shape).astype(np.float32)


def assert_swapped_and_equal(graph_def, rules, x, **feeds):
    swapped = swap_for_cpu(graph_def, rules)
    assert swapped != graph_def
    expected = run(graph_def, x=x, **feeds)
    np.testing.assert_allclose(run(swapped, x=x, **feeds), expected, rtol=0,
                               atol=1e-5 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize('shape', [(1, 2, 2, 1), (1, 2, 9, 3), (3, 7, 4, 5), (2, 16, 33, 8)])
def test_interpolation_goes_into_the_convolution_behind_it(shape):
    kernel = random(3, 3, shape[3], 6)
    graph_def = graph_of(lambda x: conv(pad_by_one(upsample(x)), kernel), shape[3])
    assert_swapped_and_equal(graph_def, UP, random(*shape))


def test_ramp_is_interpolated_by_hand():
    # A kernel that passes its middle on shows u: x at even places, means at odd ones, the last twice.
    kernel = np.zeros([3, 3, 1, 1], np.float32)
    kernel[1, 1] = 1
    graph_def = swap_for_cpu(graph_of(lambda x: conv(pad_by_one(upsample(x)), kernel), 1), UP)
    y = run(graph_def, x=np.array([[0, 2, 4], [6, 8, 10]], np.float32).reshape([1, 2, 3, 1]))
    np.testing.assert_allclose(y[0, :, :, 0], [
        [0, 1, 2, 3, 4, 4], [3, 4, 5, 6, 7, 7], [6, 7, 8, 9, 10, 10], [6, 7, 8, 9, 10, 10]], atol=1e-6)


def test_kernel_that_is_scaled_when_it_runs_is_swapped_too():
    def build(x):
        scale = tf.placeholder(tf.float32, [4], 'scale')
        kernel = tf.identity(tf.constant(random(3, 3, 2, 4)), name='read') * scale
        tf.nn.conv2d(pad_by_one(upsample(x)), kernel, [1, 1, 1, 1], 'VALID', name='conv')
    graph_def = graph_of(build, 2)
    assert_swapped_and_equal(graph_def, UP, random(1, 5, 6, 2), scale=[1, -2, 3, 0])


@pytest.mark.parametrize('size, filters', [((9, 9), 3), ((5, 7), 1), ((9, 1), 4)])
def test_large_convolution_to_few_channels_runs_row_by_row(size, filters):
    graph_def = graph_of(lambda x: conv(x, random(*size + (6, filters))), 6)
    assert_swapped_and_equal(graph_def, FEW, random(2, 12, 13, 6))


def test_rows_of_ones_add_up_to_their_number():
    graph_def = swap_for_cpu(graph_of(lambda x: conv(x, np.ones([9, 9, 2, 3])), 2), FEW)
    np.testing.assert_allclose(run(graph_def, x=np.ones([1, 9, 11, 2])), np.full([1, 1, 3, 3], 162.0))


@pytest.mark.parametrize('build', [
    lambda x: conv(upsample(x), random(3, 3, 2, 4)),
    lambda x: conv(pad_by_one(upsample(x), 'SYMMETRIC'), random(3, 3, 2, 4)),
    lambda x: conv(pad_by_one(upsample(x)), random(3, 3, 2, 4), stride=2),
    lambda x: conv(pad_by_one(upsample(x)), random(3, 3, 2, 4), padding='SAME'),
    lambda x: conv(pad_by_one(upsample(x)), random(1, 1, 2, 4)),
    lambda x: conv(pad_by_one(tf.image.resize_bilinear(x, [8, 8])), random(3, 3, 2, 4)),
    lambda x: conv(pad_by_one(tf.image.resize_bilinear(x, tf.shape(x)[1:3] * 3)), random(3, 3, 2, 4)),
    lambda x: conv(pad_by_one(tf.image.resize_bilinear(x, tf.shape(x)[1:3] * 2, align_corners=True)),
                   random(3, 3, 2, 4)),
    lambda x: conv(pad_by_one(tf.image.resize_nearest_neighbor(x, tf.shape(x)[1:3] * 2)),
                   random(3, 3, 2, 4)),
    lambda x: conv(x, random(9, 9, 2, 8)),
    lambda x: conv(x, random(3, 3, 2, 3)),
    lambda x: conv(x, random(9, 9, 2, 3), padding='SAME'),
    lambda x: tf.nn.conv2d(x, tf.placeholder(tf.float32, [9, 9, 2, 3]), [1, 1, 1, 1], 'VALID')])
def test_anything_else_stays(build):
    graph_def = graph_of(build, 2)
    assert swap_for_cpu(graph_def, UP + FEW) == graph_def


@pytest.mark.parametrize('size', [(1, 1, 1), (2, 61, 47)])
def test_shipped_network_paints_the_same_picture(size):
    graph_def, _, _ = frozen.read_graph(networks.CHECKPOINT)
    swapped = swap_for_cpu(graph_def)
    photo = np.random.RandomState(2).uniform(0, 255, size + (3,))
    pictures = [networks.run(each, frozen.STYLIZED + ':0', {frozen.IMAGE + ':0': photo})
                for each in (graph_def, swapped)]
    np.testing.assert_allclose(*pictures, rtol=0, atol=0.01)  # of 255


def test_flat_picture_stays_flat():
    # Variances are zero: what two kernels round differently would come out 300 times as large.
    graph_def, _, _ = frozen.read_graph(networks.CHECKPOINT)
    flat = np.full([1, 61, 47, 3], [10, 200, 30], np.float32)
    for each in (swap_for_cpu(graph_def), swap_for_cpu(swap_to_fused(graph_def))):
        picture = run(each, frozen.STYLIZED + ':0', image=flat)[0]
        assert np.ptp(picture, axis=(0, 1)).max() < 0.01


def test_every_tensor_keeps_its_name():
    graph_def, _, _ = frozen.read_graph(networks.CHECKPOINT)
    names = {node.name for node in swap_for_cpu(graph_def).node}
    assert names >= {node.name for node in graph_def.node}


@pytest.mark.parametrize('rule, count', zip(swap.RULES, (2, 1, 16)))
def test_each_rule_finds_its_places_in_the_network_and_in_tiles(tmp_path, rule, count):
    graph_def = frozen.read_graph(networks.write_random(tmp_path / 'random.pb', width=8))[0]
    fixed = FixedNetwork(graph_def)
    for each in (graph_def, fixed.graph_def):
        nodes = {node.name: node for node in each.node}
        assert len([node for node in each.node if rule(node, nodes)]) == count
    fixed.close()
