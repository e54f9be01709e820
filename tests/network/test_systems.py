"""The paper's feed-forward systems: what tells them apart; batch norm in training and freezing."""

import numpy as np
import pytest
import running
import tensorflow.compat.v1 as tf

from resnet_in_tf.network import frozen
from resnet_in_tf.network.generator import SYSTEMS, generator
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import stylizer
from resnet_in_tf.training.freeze import freeze

WIDTH, MOMENTUM = 4, 0.9
BATCH = [name for name, system in SYSTEMS.items() if system.normalization == 'batch']


@pytest.fixture(scope='module')
def photos(face):
    return np.stack([face[row:row + 16, row:row + 20] for row in (0, 200, 400)]).astype(np.float32)


class Network:
    """One system in a session of its own, in training or at rest."""

    def __init__(self, system, training):
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(1)
            self.image = tf.placeholder(tf.float32, [None, None, None, 3])
            style = tf.tile([[1.0, 0.0]], [tf.shape(self.image)[0], 1])
            self.stylized = generator(self.image, style, system, WIDTH, training)[0]
            self.updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
            self.variables = {variable.op.name: variable for variable in tf.global_variables()}
            self.graph = graph
            self.session = tf.Session()
            self.session.run(tf.global_variables_initializer())

    def __call__(self, photos):
        return self.session.run(self.stylized, {self.image: photos})


def test_the_papers_systems_are_rows_of_the_table():
    table = {name: (row.residual, row.normalization) for name, row in SYSTEMS.items()}
    assert table['resnet_in'] == (True, 'instance')
    assert table['cnn'] == (False, 'none')
    assert table['cnn_bn'] == (False, 'batch')
    assert table['fnst'] == (True, 'batch')


@pytest.mark.parametrize('system', ['resnet_in', 'cnn', 'cnn_bn', 'fnst'])
def test_batch_norm_alone_lets_photos_of_a_batch_see_each_other(system, photos):
    network = Network(system, training=True)
    alone, together = network(photos[:1])[0], network(photos)[0]
    network.session.close()
    difference = np.abs(alone - together).max()
    assert (difference > 1.0) == (system in BATCH)
    assert difference > 1.0 or difference < 0.05


@pytest.mark.parametrize('system', BATCH)
def test_training_moves_the_averages_by_the_batchs_own_statistics(system, photos):
    network = Network(system, training=True)
    scope = 'generator/down/conv1/'
    conv = network.graph.get_tensor_by_name(scope + 'conv:0')
    values = network.session.run(conv, {network.image: photos}).astype(np.float64)
    network.session.run(network.updates, {network.image: photos})
    mean, variance = network.session.run([network.variables[scope + 'batch_norm/' + name]
                                          for name in ('moving_mean', 'moving_variance')])
    network.session.close()
    np.testing.assert_allclose(mean, (1 - MOMENTUM) * values.mean((0, 1, 2)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(variance, MOMENTUM + (1 - MOMENTUM) * values.var((0, 1, 2)),
                               rtol=1e-3)


@pytest.mark.parametrize('system', BATCH)
def test_at_rest_the_moving_averages_rule(system, photos):
    network = Network(system, training=False)
    before = network(photos)
    assert not network.updates
    np.testing.assert_allclose(network(photos[:1])[0], before[0], atol=0.05)
    average = network.variables['generator/down/conv1/batch_norm/moving_mean']
    with network.session.graph.as_default():
        average.load(np.full(average.shape, 2.0, np.float32), network.session)
    assert np.abs(network(photos) - before).max() > 1.0
    network.session.close()


@pytest.mark.slow
def test_rivals_train_through_the_script_and_freeze_with_their_averages(face, tmp_path):
    folder, painting = tmp_path / 'photos', str(tmp_path / 'wave.png')
    folder.mkdir()
    for number in range(6):
        images.write(str(folder / ('%d.png' % number)),
                     face[100 * number:100 * number + 40, 300:350])
    images.write(painting, face[400:440, 600:660])
    rivals = ('cnn', 'cnn_bn', 'fnst')
    results = running.many([['train.py'] + running.tiny_training(
        [painting], str(folder), str(tmp_path / system), train_steps=2, system=system)
        for system in rivals])
    pair = np.stack([face[:24, :32], face[300:324, 500:532]])
    for system, result in zip(rivals, results):
        assert result.returncode == 0, result.stderr
        path = str(tmp_path / (system + '.pb'))
        card = freeze(str(tmp_path / system), path)
        assert card['training']['system'] == system and card['steps'] == 2
        constants = {node.name: tf.make_ndarray(node.attr['value'].tensor)
                     for node in frozen.read_graph(path)[0].node if node.op == 'Const'}
        reader = tf.train.load_checkpoint(str(tmp_path / system))
        averages = [name for name in reader.get_variable_to_shape_map() if 'moving_' in name]
        assert bool(averages) == (system in BATCH)
        for name in averages:
            value = reader.get_tensor(name)
            assert np.abs(value - ('variance' in name)).max() > 0  # training has moved it
            np.testing.assert_array_equal(constants[name], value)
        painter = stylizer.Stylizer(path, impl='reference')
        weights = painter.style_weights('wave')
        np.testing.assert_allclose(painter.stylize(pair, weights)[0],
                                   painter.stylize(pair[0], weights), atol=0.05)
        painter.close()
