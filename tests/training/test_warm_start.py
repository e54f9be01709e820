"""Training that begins with a frozen network, and one new row that leaves the others as they are."""

import networks
import numpy as np
import pytest
import running
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen
from resnet_in_tf.network.generator import generator
from resnet_in_tf.pictures.palette import palette_of_picture
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import warm_start


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    return networks.write_random(tmp_path_factory.mktemp('base') / 'base.pb')


def test_rows_move_with_their_names_and_a_new_style_begins_with_the_mean():
    table = np.float32([[1, 2], [3, 6], [9, 9]])
    moved = warm_start.with_rows(table, ['a', 'b', 'identity'], ['b', 'new', 'a', 'identity'])
    assert moved.tolist() == [[3, 6], [2, 4], [1, 2], [9, 9]]


def test_an_added_style_stands_before_identity_and_is_the_one_that_trains(network):
    start = warm_start.from_network(network, ['scream'], add=True)
    assert start.style_names == ['wave', 'udnie', 'scream', 'identity']
    assert start.rows == [2, 3]
    known = frozen.read_variables(frozen.read_graph(network)[0])
    assert set(start.variables) == set(known)
    for name, value in known.items():
        kept = start.variables[name]
        if name.endswith(('/gamma', '/beta')):
            assert (kept[[0, 1, 3]] == value).all()
        else:
            assert (kept == value).all()


def test_a_style_that_is_there_already_is_refused(network):
    with pytest.raises(UserError, match="has a style 'wave' already"):
        warm_start.from_network(network, ['wave'], add=True)


def test_beginning_with_a_network_keeps_the_rows_of_styles_it_knows(network):
    start = warm_start.from_network(network, ['udnie', 'new'], add=False)
    assert start.style_names == ['udnie', 'new', 'identity'] and start.rows == [0, 1, 2]


@pytest.mark.slow
def test_adding_a_style_leaves_the_others_bit_for_bit(tmp_path, tiny_model, photo_folder, paintings,
                                                      face):
    before = Stylizer(tiny_model)
    new = tmp_path / 'newcomer.png'
    with open(paintings[0], 'rb') as source:
        new.write_bytes(source.read())
    model_dir, model = str(tmp_path / 'run'), str(tmp_path / 'added.pb')
    result = running.script(
        'train.py', '--add_style', str(new), '--from', tiny_model, '--coco_images', photo_folder,
        '--model_dir', model_dir, '--vgg_weights', 'random', '--style_layers', 'input,relu1_1',
        '--content_layers', 'relu1_1', '--image_size', '32', '--train_steps', '4')
    assert result.returncode == 0, result.stderr
    result = running.script('freeze_graph.py', '--model_dir', model_dir, '--output', model)
    assert result.returncode == 0, result.stderr
    after = Stylizer(model)
    assert after.style_names == before.styles + ['newcomer', 'identity']
    photo = face[100:148, 300:364]
    for style in before.style_names:
        assert (before.stylize(photo, before.style_weights(style))
                == after.stylize(photo, after.style_weights(style))).all(), style
    assert (after.stylize(photo, after.style_weights('newcomer'))
            != after.stylize(photo, after.style_weights(before.styles[0]))).any()


def network_of(folder, system):
    """A network of width 2 whose card says what it is, as that of a trained one does."""
    return networks.write_random(folder / 'base.pb', system, width=2,
                                 training={'system': system, 'width': 2})


@pytest.mark.parametrize('system', ['fnst', 'cnn_bn', 'cnn'])
@pytest.mark.parametrize('add', [True, False])
def test_every_variable_of_a_network_is_where_training_begins(tmp_path, system, add):
    path = network_of(tmp_path, system)
    graph_def = frozen.read_graph(path)[0]
    start = warm_start.from_network(path, ['new'], add, system, 2)
    known = frozen.read_variables(graph_def)
    with tf.Graph().as_default(), tf.Session() as session:
        photo = tf.zeros([1, 16, 16, 3])
        generator(photo, tf.one_hot([0], len(start.style_names)), start.system, start.width, True,
                  'reference', look_inside=True)
        variables = tf.global_variables(scope='generator/')
        warm_start.check_fit(variables, start.variables, path)
        session.run(tf.global_variables_initializer())
        warm_start.assign(variables, start.variables, session)
        begun = {variable.op.name: session.run(variable) for variable in variables}
    assert set(begun) == set(known)
    averages = [name for name in begun if name.split('/')[-1].startswith('moving_')]
    assert bool(averages) == (system in ('fnst', 'cnn_bn'))
    for name in sorted(name for name in begun if not name.endswith(('/gamma', '/beta'))):
        np.testing.assert_array_equal(begun[name], known[name], name)


def test_a_variable_without_a_place_is_named_whichever_side_it_is_on():
    with tf.Graph().as_default():
        variables = [tf.get_variable('generator/a/kernel', [2, 3]), tf.get_variable('generator/b/bias', [4])]
    values = {'generator/a/kernel': np.zeros([2, 3]), 'generator/b/bias': np.zeros([4])}
    warm_start.check_fit(variables, values, 'base.pb')
    wrong = {'generator/c/moving_mean has no place': dict(values, **{'generator/c/moving_mean': np.zeros(1)}),
             'generator/b/bias is missing': {'generator/a/kernel': np.zeros([2, 3])},
             r'generator/b/bias is \(5,\) and should be \(4,\)':
                 dict(values, **{'generator/b/bias': np.zeros(5)})}
    for words, given in wrong.items():
        with pytest.raises(UserError, match='^--from base.pb does not fit this network: %s$' % words):
            warm_start.check_fit(variables, given, 'base.pb')


@pytest.mark.parametrize('told, words', [
    ({'system': 'fnst'}, '--system fnst contradicts --from .*base.pb, whose system is cnn_bn: leave'),
    ({'width': 3}, '--width 3 contradicts --from .*base.pb, whose width is 2: leave --width out')])
@pytest.mark.parametrize('add', [True, False])
def test_flags_that_contradict_the_network_are_one_line(tmp_path, told, words, add):
    path = network_of(tmp_path, 'cnn_bn')
    with pytest.raises(UserError, match='^' + words):
        warm_start.from_network(path, ['new'], add, **told)
    start = warm_start.from_network(path, ['new'], add)
    assert (start.system, start.width) == ('cnn_bn', 2)


def test_palettes_are_closed_forms_of_the_paintings_and_those_that_stay_are_kept(tmp_path):
    path = networks.write_random(tmp_path / 'base.pb', 'resnet_any', width=2,
                                 training={'system': 'resnet_any', 'width': 2})
    painting = np.random.RandomState(0).randint(0, 256, [4, 5, 3]).astype(np.uint8)
    start = warm_start.from_network(path, ['new'], add=True)
    table = warm_start.with_palettes(start, [painting])
    known = frozen.read_variables(frozen.read_graph(path)[0])[warm_start.PALETTES]
    assert (table[[0, 1, 3]] == known).all()
    assert (table[2] == palette_of_picture(painting)).all()
    fresh = warm_start.with_palettes(warm_start.new_network(['a', 'b'], 'resnet_any', 2), [painting] * 2)
    assert (fresh[:2] == table[2]).all() and (fresh[2] == 0).all()


def test_resnet_any_begins_with_a_network_of_the_same_layers_but_adds_no_row_to_it(tmp_path):
    path = network_of(tmp_path, 'resnet_in')
    start = warm_start.from_network(path, ['wave'], False, 'resnet_any')
    assert start.system == 'resnet_any' and warm_start.PALETTES not in start.variables
    for told in ({'add': True, 'system': 'resnet_any'}, {'add': False, 'system': 'fnst'}):
        with pytest.raises(UserError, match='contradicts --from'):
            warm_start.from_network(path, ['new'], **told)
