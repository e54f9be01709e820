"""The style predictor: a row from a painting, alone and in one file with its network."""

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, predictor
from resnet_in_tf.network.generator import split_row
from resnet_in_tf.network.layers import row_size
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.pictures.palette import palette_of_picture
from resnet_in_tf.training import style_pictures

WIDTH = 2


@pytest.fixture(scope='module')
def weights():
    return vgg.random_weights(0, ('relu4_1',))


@pytest.fixture(scope='module')
def path(tmp_path_factory, weights):
    return networks.write_random(tmp_path_factory.mktemp('predictor') / 'any.pb', 'resnet_any', WIDTH,
                                 encode=style_pictures.encoder_of(weights))


@pytest.fixture(scope='module')
def graph_def(path):
    return frozen.read_graph(path)[0]


@pytest.fixture(scope='module')
def painting(face):
    return face[None, 380:460, 560:680].astype(np.float32)  # [1, 80, 120, 3]


def test_statistics_are_means_and_deviations_of_each_channel(weights, painting):
    features = vgg.evaluate(painting, predictor.LAYERS, weights)
    with tf.Graph().as_default(), tf.Session() as session:
        seen = session.run(predictor.statistics(
            {name: tf.constant(value) for name, value in features.items()}))
    assert seen.shape == (1, 2 * (64 + 128 + 256 + 512))
    first = features['relu1_1'][0]
    assert seen[0, :64] == pytest.approx(first.mean(axis=(0, 1)), abs=1e-3)
    assert seen[0, 64:128] == pytest.approx(np.sqrt(first.var(axis=(0, 1)) + predictor.EPSILON), abs=1e-3)


def test_a_fresh_predictor_gives_a_neutral_row_and_the_paintings_palette(painting):
    with tf.Graph().as_default(), tf.Session() as session:
        row = predictor.predict(tf.zeros([1, 1920]), tf.constant(painting), WIDTH)
        session.run(tf.global_variables_initializer())
        row = session.run(row)
    norms, colors = split_row(row, WIDTH)
    assert row.shape == (1, row_size(WIDTH))
    for gamma, beta in norms:
        assert (gamma == 1).all() and (beta == 0).all()
    assert colors[0] == pytest.approx(palette_of_picture(painting[0]), abs=1e-4)


@pytest.mark.parametrize('kind', ['grey', 'one colour', 'one pixel', 'one row'])
def test_poor_paintings_give_a_row(graph_def, painting, kind):
    picture = {'grey': np.repeat(painting[..., :1], 3, 3), 'one colour': np.full_like(painting, 200),
               'one pixel': painting[:, :1, :1], 'one row': painting[:, :1]}[kind]
    row = networks.run(graph_def, 'style_row:0', {'style_image:0': picture})
    assert row.shape == (1, row_size(WIDTH)) and np.isfinite(row).all()


def test_a_row_of_a_file_is_that_of_the_parts_it_is_made_of(graph_def, painting, weights):
    """Encoder in float16, dense layers and palette, against the loss network in float32."""
    found = networks.run(graph_def, 'style_row:0', {'style_image:0': painting})
    values = frozen.read_variables(graph_def)
    features = vgg.evaluate(painting, predictor.LAYERS, weights)
    with tf.Graph().as_default(), tf.Session() as session:
        seen = predictor.statistics({name: tf.constant(value) for name, value in features.items()})
        row = predictor.predict(seen, tf.constant(painting), WIDTH)
        for variable in tf.global_variables():
            variable.load(values[variable.op.name], session)
        expected = session.run(row)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected - 1).max()


def test_a_row_paints_and_another_painting_paints_otherwise(graph_def, painting, face):
    photo = face[None, 300:345, 400:453].astype(np.float32)
    rows = [networks.run(graph_def, 'style_row:0', {'style_image:0': each})
            for each in (painting, 255 - painting)]
    one, other = [networks.run(graph_def, 'stylized:0', {
        'image:0': photo, 'style_weights:0': [[0, 0, 0]], 'row:0': row}) for row in rows]
    assert np.isfinite(one).all() and abs(one - other).mean() > 10
    assert one.mean(axis=(0, 1, 2)) == pytest.approx(painting.mean(axis=(0, 1, 2)), abs=20)


def test_the_encoder_takes_half_its_bytes_and_is_no_variable(graph_def):
    halves = [node for node in graph_def.node if node.op == 'Const'
              and node.attr['dtype'].type == tf.float16.as_datatype_enum]
    layers = ('1_1', '1_2', '2_1', '2_2', '3_1', '3_2', '3_3', '3_4', '4_1')
    assert {node.name for node in halves} == {'encoder/conv%s/%s' % (layer, part) for layer in layers
                                              for part in ('kernel', 'bias')}
    assert not any(name.startswith('encoder') for name in frozen.read_variables(graph_def))


def test_the_generator_alone_has_no_predictor_and_paints_the_same(graph_def, face):
    alone = frozen.generator_of(graph_def)
    assert frozen.has_predictor(graph_def) and not frozen.has_predictor(alone)
    assert not [node.name for node in alone.node
                if node.name.startswith(('encoder', 'predictor', 'style_image'))]
    feeds = {'image:0': face[None, :40, :40], 'style_weights:0': [[.5, .5, 0]]}
    assert networks.run(alone, 'stylized:0', feeds) == pytest.approx(
        networks.run(graph_def, 'stylized:0', feeds), abs=0.05)


def test_a_predictor_whose_row_does_not_fit_is_one_line(graph_def):
    damaged = tf.GraphDef()
    damaged.CopyFrom(graph_def)
    node = next(node for node in damaged.node if node.name == 'style_row')
    node.input[0] = 'predictor/dense1/kernel'
    with pytest.raises(UserError, match='^--model a.pb: damaged') as caught, tf.Graph().as_default():
        frozen.import_graph(frozen.parse_graph(damaged.SerializeToString(), 'a.pb')[0], 'a.pb')
    assert '\n' not in str(caught.value)
