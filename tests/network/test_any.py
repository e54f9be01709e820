"""resnet_any: a style is a row of gammas, betas and a palette, from the tables or from outside."""

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.exports.plain import plain_graph
from resnet_in_tf.network import frozen, palette
from resnet_in_tf.network.generator import split_row
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.pictures.color import TO_YUV

WIDTH = 2
PALETTES = np.float32([[.1, .1, -.1, .2, .05, .1, .02, .03, .08], [-.2, -.1, .05, .3, 0, .06, .1, .02, .09],
                       [0] * 9])


@pytest.fixture(scope='module')
def graph_def(tmp_path_factory):
    """A network of width 2 whose palettes keep within the range of a picture."""
    path = networks.write_random(tmp_path_factory.mktemp('any') / 'any.pb', 'resnet_any', WIDTH)
    graph_def = frozen.read_graph(path)[0]
    for node in graph_def.node:
        if node.name == 'generator/palette/table':
            node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(PALETTES))
    return graph_def


@pytest.fixture(scope='module')
def photo(face):
    return face[None, 300:345, 400:453].astype(np.float32)  # [1, 45, 53, 3]


def stylize(graph_def, photo, weights, **fed):
    feeds = {'image:0': photo, 'style_weights:0': [weights]}
    feeds.update((name + ':0', value) for name, value in fed.items())
    return networks.run(graph_def, 'stylized:0', feeds)


def row_of(graph_def, number):
    """A style's row, in the order of generator.split_row."""
    variables = frozen.read_variables(graph_def)
    layers = (['down/conv%d' % n for n in (1, 2, 3)]
              + ['residual/block%d/conv%d' % (block, n) for block in range(1, 6) for n in (1, 2)]
              + ['up/conv1', 'up/conv2'])
    parts = [variables['generator/%s/%s' % (layer, part)][number]
             for layer in layers for part in ('gamma', 'beta')]
    return np.concatenate(parts + [variables['generator/palette/table'][number]])[None]


def moments(picture):
    yuv = (picture.reshape(-1, 3) / 127.5 - 1) @ TO_YUV.T
    return yuv.mean(axis=0), np.cov(yuv.T, bias=True)


@pytest.mark.parametrize('number', [0, 1])
def test_a_picture_has_the_palette_of_its_style(graph_def, photo, number):
    weights = np.eye(3)[number]
    mean, covariance = moments(stylize(graph_def, photo, weights))
    factor = np.zeros([3, 3])
    factor[tuple(zip(*palette.LOWER))] = PALETTES[number, 3:]
    # Colours beyond the range are clipped, few here.
    assert mean == pytest.approx(PALETTES[number, :3], abs=0.02)
    assert covariance == pytest.approx(factor @ factor.T, abs=0.01)


def test_palettes_mix_with_the_styles(graph_def, photo):
    mean, _ = moments(stylize(graph_def, photo, [.25, .75, 0]))
    assert mean == pytest.approx([.25, .75] @ PALETTES[:2, :3], abs=0.02)


def test_identity_is_the_photo_and_brings_the_photos_own_palette(graph_def, photo):
    assert (stylize(graph_def, photo, [0, 0, 1]) == photo).all()
    mean, _ = moments(stylize(graph_def, photo, [.5, 0, .5]))
    half = (PALETTES[0, :3] + moments(photo)[0]) / 2
    # A quarter of what is seen is the photo itself, let through.
    assert mean == pytest.approx(.75 * half + .25 * moments(photo)[0], abs=0.02)


def test_the_table_of_identity_is_not_used(graph_def, photo):
    changed = tf.GraphDef()
    changed.CopyFrom(graph_def)
    table = np.concatenate([PALETTES[:2], np.full([1, 9], 7, np.float32)])
    node = next(node for node in changed.node if node.name == 'generator/palette/table')
    node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(table))
    weights = [.6, 0, .4]
    assert (stylize(changed, photo, weights) == stylize(graph_def, photo, weights)).all()


@pytest.mark.parametrize('number', [0, 1])
def test_a_row_from_outside_is_a_style_like_those_of_the_tables(graph_def, photo, number):
    named = stylize(graph_def, photo, np.eye(3)[number])
    fed = stylize(graph_def, photo, [0, 0, 0], row=row_of(graph_def, number))
    assert fed == pytest.approx(named, abs=0.1) and abs(named - photo).mean() > 10


def test_a_row_mixes_with_named_styles_and_strength(graph_def, photo):
    named = stylize(graph_def, photo, [.3, .5, .2])
    fed = stylize(graph_def, photo, [.3, 0, .2], row=.5 * row_of(graph_def, 1))
    assert fed == pytest.approx(named, abs=0.1)


def test_a_row_has_the_parts_that_the_network_takes_in_their_order(graph_def):
    row = row_of(graph_def, 0)
    norms, found = split_row(row, WIDTH)
    assert row.shape == (1, row_size(WIDTH)) and len(norms) == 15
    assert (found == PALETTES[:1]).all()
    variables = frozen.read_variables(graph_def)
    assert (norms[-1][1] == variables['generator/up/conv2/beta'][:1]).all()
    assert row_size(32) == 3209


@pytest.mark.parametrize('shape', [(1, 1), (1, 40), (3, 2)])
@pytest.mark.parametrize('color', [None, 0, 255])
def test_small_pictures_and_pictures_of_one_colour_are_painted(graph_def, face, shape, color):
    picture = face[:shape[0], :shape[1]] if color is None else np.full(shape + (3,), color)
    for weights in ([1, 0, 0], [.5, 0, .5], [0, 0, 1]):
        painted = stylize(graph_def, picture[None], weights)
        assert painted.shape == (1,) + shape + (3,) and np.isfinite(painted).all()
        assert painted.min() >= 0 and painted.max() <= 255


def test_a_graph_for_exports_takes_no_row_and_paints_the_same(graph_def, photo):
    plain = plain_graph(graph_def)
    assert {node.name for node in plain.node if node.op == 'Placeholder'} == {'image', 'style_weights'}
    assert 'PlaceholderWithDefault' not in {node.op for node in plain.node}
    one, other = [stylize(each, photo, [.3, .7, 0]) for each in (plain, graph_def)]
    assert one == pytest.approx(other, abs=0.05)


@pytest.mark.parametrize('length', [row_size(WIDTH) - 1, 0, 2 ** 40])
def test_a_row_of_another_length_is_one_line(tmp_path, graph_def, length):
    damaged = tf.GraphDef()
    damaged.CopyFrom(graph_def)
    node = next(node for node in damaged.node if node.name == 'row')
    node.attr['shape'].shape.dim[1].size = length
    with pytest.raises(UserError, match='^--model a.pb: damaged') as caught, tf.Graph().as_default():
        frozen.import_graph(frozen.parse_graph(damaged.SerializeToString(), 'a.pb')[0], 'a.pb')
    assert '\n' not in str(caught.value)


def test_a_predictor_frozen_by_a_newer_tensorflow_is_read_by_1_15(tmp_path):
    path = networks.write_random(tmp_path / 'any.pb', 'resnet_any', WIDTH, encode=networks.encode)
    pools = [node for node in frozen.read_graph(path)[0].node if node.op == 'MaxPool']
    assert pools and not any('explicit_paddings' in node.attr for node in pools)
