"""A frozen graph holds the reference form; the fused op takes its place where it is there."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from networks import run

from resnet_in_tf.instance_norm import fused, instance_norm, swap_to_fused
from resnet_in_tf.network.generator import generator

STYLES = 3


@pytest.fixture(scope='module')
def frozen():
    """(GraphDef of a small generator in the reference form, its feeds, what it gives)."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        image = tf.placeholder(tf.float32, [None, None, None, 3], name='image')
        weights = tf.placeholder(tf.float32, [None, STYLES], name='style_weights')
        output = tf.identity(generator(image, weights, 'resnet_in', 4, impl='reference')[0], 'stylized')
        session.run(tf.global_variables_initializer())
        random = np.random.RandomState(0)
        feeds = {'image:0': random.uniform(0, 255, [2, 37, 41, 3]),
                 'style_weights:0': [[1, 0, 0], [0.3, 0.3, 0.4]]}
        graph_def = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), ['stylized'])
        return graph_def, feeds, session.run(output, feeds)


def graph_of(build):
    """GraphDef of what `build` makes, on the placeholder `x` of 2 channels."""
    with tf.Graph().as_default() as graph:
        build(tf.placeholder(tf.float32, [1, None, None, 2], name='x'))
        return graph.as_graph_def()


def norm(x, activation=None):
    return instance_norm(x, [2.0, 3.0], [0.5, -0.5], activation, 1e-3, 'reference')


def fused_nodes(graph_def):
    return [node for node in graph_def.node if node.op == fused.OP]


def test_every_norm_is_swapped_and_the_picture_stays(frozen):
    graph_def, feeds, expected = frozen
    swapped = swap_to_fused(graph_def)
    assert not fused_nodes(graph_def)
    activations = [node.attr['activation'].s for node in fused_nodes(swapped)]
    assert sorted(activations) == [b'none'] * 5 + [b'relu'] * 10
    assert not [node for node in swapped.node if node.op in ('Rsqrt', 'Relu')]
    np.testing.assert_allclose(run(swapped, 'stylized:0', feeds), expected, atol=0.05)


def test_reference_leaves_the_graph_as_it_is(frozen):
    assert swap_to_fused(frozen[0], 'reference') == frozen[0]


def test_graph_under_a_prefix_is_swapped_too(frozen):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen[0], name='network')
        assert len(fused_nodes(swap_to_fused(graph.as_graph_def()))) == 15


def test_tensors_keep_their_names_and_the_op_its_epsilon():
    swapped = swap_to_fused(graph_of(lambda x: norm(x, 'relu')))
    node, = fused_nodes(swapped)
    assert node.name == 'instance_norm/relu'
    assert node.attr['epsilon'].f == pytest.approx(1e-3)
    x = np.random.RandomState(0).randn(1, 3, 5, 2)
    normal = (x - x.mean((1, 2))) / np.sqrt(x.var((1, 2)) + 1e-3)
    np.testing.assert_allclose(run(swapped, 'instance_norm/relu:0', {'x:0': x}),
                               np.maximum(normal * [2, 3] + [0.5, -0.5], 0), atol=1e-5)


def test_relu_is_not_taken_where_something_else_reads_the_norm():
    def build(x):
        y = norm(x)
        tf.add(tf.nn.relu(y, name='relu'), y, name='sum')
    swapped = swap_to_fused(graph_of(build))
    node, = fused_nodes(swapped)
    assert (node.name, node.attr['activation'].s) == ('instance_norm/shifted', b'none')
    x = np.random.RandomState(0).randn(1, 3, 5, 2)
    np.testing.assert_allclose(run(swapped, 'sum:0', {'x:0': x}),
                               run(graph_of(build), 'sum:0', {'x:0': x}), atol=1e-5)


@pytest.mark.parametrize('build', [
    lambda x: (norm(x), tf.identity(x.graph.get_tensor_by_name('instance_norm/centered:0'))),
    lambda x: tf.add(tf.multiply(x, 2.0, name='a/scaled'), 1.0, name='a/shifted'),
    lambda x: tf.identity(x, name='shifted'),
], ids=['inner tensor is read', 'other nodes of the same name', 'no scope'])
def test_what_is_not_the_reference_form_stays(build):
    graph_def = graph_of(build)
    assert swap_to_fused(graph_def) == graph_def


def test_norm_over_other_axes_stays():
    graph_def = graph_of(norm)
    for node in graph_def.node:
        if node.name == 'instance_norm/mean/reduction_indices':
            node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(0, tf.int32))
    assert not fused_nodes(swap_to_fused(graph_def))


@pytest.mark.parametrize('first, second', [('reference', 'fused'), ('fused', 'reference')])
def test_checkpoint_of_one_form_loads_in_the_other(tmp_path, first, second):
    photo = np.random.RandomState(0).uniform(0, 255, [1, 16, 16, 3]).astype(np.float32)
    pictures, path = [], str(tmp_path / 'model')
    for impl in (first, second):
        with tf.Graph().as_default(), tf.Session() as session:
            output, _ = generator(tf.constant(photo), tf.constant([[1.0, 0.0]]), 'resnet_in', 2, impl=impl)
            saver = tf.train.Saver()
            if impl == first:
                session.run(tf.global_variables_initializer())
                saver.save(session, path)
            else:
                saver.restore(session, path)
            pictures.append(session.run(output))
    np.testing.assert_allclose(*pictures, atol=0.05)
