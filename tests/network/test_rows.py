"""Rows of a frozen network: one more style is the network that would have been frozen with it."""

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.network import frozen, rows
from resnet_in_tf.network.generator import split_row
from resnet_in_tf.network.layers import PALETTES, norm_channels, row_size
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.training import style_pictures

WIDTH = 2


@pytest.fixture(scope='module')
def encode():
    return style_pictures.encoder_of(vgg.random_weights(0, ('relu4_1',)))


@pytest.fixture(scope='module')
def graph_def(tmp_path_factory, encode):
    return frozen.read_graph(networks.write_random(tmp_path_factory.mktemp('rows') / 'any.pb', 'resnet_any',
                                                   WIDTH, encode=encode))[0]


def test_parts_of_a_row_are_those_that_the_network_takes_apart():
    row = np.arange(row_size(WIDTH), dtype=np.float32)
    parts = rows.parts_of(row, WIDTH)
    norms, palette = split_row(row[None], WIDTH)
    assert [len(part) for part in parts.values()][:-1:2] == norm_channels(WIDTH)
    assert (parts['generator/down/conv1/gamma'] == [0, 1]).all()
    for scope, pair in (('generator/residual/block1/conv1', norms[3]), ('generator/up/conv2', norms[-1])):
        assert (parts[scope + '/gamma'] == pair[0][0]).all() and (parts[scope + '/beta'] == pair[1][0]).all()
    assert (parts[PALETTES] == palette[0]).all()


def test_a_network_without_its_predictor_paints_its_styles_alike(graph_def):
    small = rows.without_predictor(graph_def, {'steps': 7, 'predictor': {'pictures': 3}})
    assert len(small.SerializeToString()) < len(graph_def.SerializeToString()) / 2
    read, names, card = frozen.parse_graph(small.SerializeToString(), 'small.pb')
    assert names == ['wave', 'udnie', 'identity'] and card == {'steps': 7} and not frozen.has_predictor(read)
    photo = np.random.RandomState(0).uniform(0, 255, [1, 20, 30, 3])
    painted = []
    for each in (graph_def, small):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(each, name='')
            painted.append(session.run(frozen.STYLIZED + ':0', {
                frozen.IMAGE + ':0': photo, frozen.STYLE_WEIGHTS + ':0': [[0.5, 0.5, 0]]}))
    assert (painted[0] == painted[1]).all()


def test_a_network_with_one_more_style_is_to_the_byte_the_one_frozen_with_it(graph_def, encode):
    row = np.random.RandomState(1).randn(row_size(WIDTH)).astype(np.float32)
    parts, card = rows.parts_of(row, WIDTH), {'steps': 7, 'title': 'Näschen'}
    known = {node.name: tf.make_ndarray(node.attr['value'].tensor) for node in graph_def.node
             if node.op == 'Const' and node.name.startswith(frozen.SCOPES)}

    def value(name):
        if name not in parts:
            return known[name]
        return np.stack([known[name][0], known[name][1], parts[name], known[name][2]])

    names = ['wave', 'udnie', 'café', 'identity']
    wanted = frozen.frozen_graph(names, card, value, 'resnet_any', WIDTH, encode)
    before = graph_def.SerializeToString(deterministic=True)
    added = rows.add_style(graph_def, 'café', row, card)
    wanted = {node.name: node for node in frozen.parse_graph(wanted.SerializeToString(), 'b.pb')[0].node}
    found = {node.name: node for node in added.node}
    assert set(found) == set(wanted)
    for name in sorted(found):
        assert same(found[name], wanted[name]), name
    assert graph_def.SerializeToString(deterministic=True) == before


def same(node, other):
    """Whether two nodes are alike, their constants by value."""
    if node.op == other.op == 'Const':
        one, two = [tf.make_ndarray(each.attr['value'].tensor) for each in (node, other)]
        return one.dtype == two.dtype and one.shape == two.shape and (one == two).all()
    return node.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def test_predicted_rows_are_those_that_the_graph_gives(graph_def, paintings):
    random = np.random.RandomState(0)
    pictures = [random.randint(0, 256, shape + (3,)).astype(np.uint8) for shape in ((20, 31), (9, 8))]
    found = rows.predict(graph_def, pictures)
    assert found.shape == (2, row_size(WIDTH)) and abs(found[0] - found[1]).max() > 0.01
    for row, picture in zip(found, pictures):
        wanted = networks.run(graph_def, 'style_row:0', {'style_image:0': [picture]})
        assert row == pytest.approx(wanted[0], abs=1e-5)
