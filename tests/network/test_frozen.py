"""Frozen networks: one file that explains itself, equal to the checkpoint, read by TensorFlow alone."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import running
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, generator
from resnet_in_tf.training import run_record
from resnet_in_tf.training.freeze import freeze

# What a user without this package writes.
READER = textwrap.dedent("""
    import sys
    import numpy as np
    import tensorflow.compat.v1 as tf
    graph_def = tf.GraphDef.FromString(open(sys.argv[1], 'rb').read())
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name='')
        feed = {'image:0': np.load(sys.argv[2])}
        stylized, names = session.run(['stylized:0', 'style_names:0'], feed)
    np.save(sys.argv[3], stylized)
    print(b' '.join(names).decode())
""")


@pytest.fixture(scope='module')
def photos(face):
    return np.stack([face[300:341, 400:453], face[400:441, 100:153]]).astype('float32')


@pytest.fixture(scope='module')
def graph_def(tiny_model):
    return frozen.read_graph(tiny_model)[0]


def from_checkpoint(model_dir, image, style_weights):
    """The checkpoint's own picture, built and restored here."""
    with tf.Graph().as_default(), tf.Session() as session:
        stylized, _ = generator.generator(tf.constant(image), tf.constant(style_weights, tf.float32),
                                          'resnet_in', 4, impl='reference')
        tf.train.Saver().restore(session, tf.train.latest_checkpoint(model_dir))
        return session.run(stylized)


def test_ten_lines_of_tensorflow_get_the_checkpoints_picture(tmp_path, tiny_run, tiny_model, photos):
    np.save(str(tmp_path / 'in.npy'), photos)
    names = subprocess.run(
        [sys.executable, '-c', READER, tiny_model, str(tmp_path / 'in.npy'), str(tmp_path / 'out.npy')],
        stdout=subprocess.PIPE, universal_newlines=True, check=True, cwd=str(tmp_path),
        env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3'), timeout=running.TIMEOUT).stdout
    assert names == 'waves tiles identity\n'
    expected = from_checkpoint(tiny_run.model_dir, photos, [[1, 0, 0]] * 2)  # the first style, unasked
    assert abs(np.load(str(tmp_path / 'out.npy')) - expected).max() < 1.0


def test_style_weights_are_fed_a_row_for_each_picture(tiny_run, graph_def, photos):
    weights = [[.2, .5, .3], [0, 1, 0]]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name='')
        stylized = session.run('stylized:0', {'image:0': photos, 'style_weights:0': weights})
    assert abs(stylized - from_checkpoint(tiny_run.model_dir, photos, weights)).max() < 1.0


def test_every_node_leads_to_an_output_and_none_trains(graph_def):
    inputs = {node.name: [name.lstrip('^').split(':')[0] for name in node.input]
              for node in graph_def.node}
    reached, waiting = set(), ['stylized', 'style_names', 'card']
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += inputs[name]
    assert set(inputs) == reached
    assert not [name for name in inputs if any(
        part in name.lower() for part in ('adam', 'vgg', 'gram', 'gradient', 'save', 'global_step'))]
    assert {node.op for node in graph_def.node}.isdisjoint(
        {'Variable', 'VariableV2', 'VarHandleOp', 'PyFunc', 'Assign', 'RandomUniform', 'InstanceNorm'})
    assert not [node.name for node in graph_def.node if node.device]


def test_inputs_and_outputs_have_the_documented_names_types_and_shapes(graph_def):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        for name, dtype, shape in (('image', tf.float32, [None, None, None, 3]),
                                   ('style_weights', tf.float32, [None, 3]),
                                   ('stylized', tf.float32, [None, None, None, 3]),
                                   ('style_names', tf.string, [3])):
            tensor = graph.get_tensor_by_name(name + ':0')
            assert tensor.dtype == dtype and tensor.shape.as_list() == shape


def test_the_card_tells_what_the_network_was_trained_on(tiny_model, tiny_run):
    _, names, card = frozen.read_graph(tiny_model)
    record = run_record.read(tiny_run.model_dir)
    assert names == card['style_names'] == ['waves', 'tiles', 'identity']
    assert [style['name'] for style in card['styles']] == ['waves', 'tiles']
    assert [style['sha256'] for style in card['styles']] == [s['sha256'] for s in record['styles']]
    assert card['steps'] == 24 and card['photos'] == 10 and card['losses'] == record['losses']
    assert card['training']['learning_rate'] == 0.005 and card['loss_network']['name'] == 'random:0'


def test_variables_are_read_back_by_name(graph_def, tiny_run):
    variables = frozen.read_variables(graph_def)
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(tiny_run.model_dir))
    trained = [name for name in reader.get_variable_to_shape_map()
               if name.startswith('generator/') and '/Adam' not in name]
    assert set(variables) == set(trained) and len(trained) == 47
    assert all((variables[name] == reader.get_tensor(name)).all() for name in trained)


@pytest.mark.parametrize('system', ['cnn', 'fnst', 'resnet_contrast'])
def test_every_other_system_freezes(system):
    graph_def = frozen.frozen_graph(['a', 'identity'], {}, Values(system), system, 1)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name='')
        stylized = session.run('stylized:0', {'image:0': np.full([1, 5, 6, 3], 99.0)})
    assert stylized.shape == (1, 5, 6, 3) and np.isfinite(stylized).all()


def test_a_full_network_of_eight_styles_fits_in_7_mb():
    names = ['style_number_%d' % n for n in range(8)] + ['identity']
    card = {'styles': [{'file': name + '.jpg', 'sha256': 'f' * 64, 'name': name} for name in names[:-1]]}
    graph_def = frozen.frozen_graph(names, card, Values('resnet_in', 32, 9), 'resnet_in', 32)
    size = len(graph_def.SerializeToString())
    assert 6.5e6 < size <= 7e6


class Values:
    """Gives every variable of a system random values of its shape."""

    def __init__(self, system, width=1, styles=2):
        with tf.Graph().as_default():
            generator.generator(tf.zeros([1, 8, 8, 3]), tf.zeros([1, styles]), system, width)
            self.shapes = {variable.op.name: variable.shape.as_list()
                           for variable in tf.global_variables()}

    def __call__(self, name):
        return np.random.RandomState(0).uniform(0.5, 1, self.shapes[name]).astype('float32')


def test_names_beyond_ascii_survive():
    graph_def = frozen.frozen_graph(['caf\u00e9', 'identity'], {'style': 'caf\u00e9'}, Values('cnn'), 'cnn',
                                    1)
    nodes = {node.name: node for node in graph_def.node}
    assert tf.make_ndarray(nodes['style_names'].attr['value'].tensor)[0].decode('utf-8') == 'caf\u00e9'
    assert json.loads(nodes['card'].attr['value'].tensor.string_val[0].decode('utf-8')) == {
        'style': 'caf\u00e9'}


def test_freezing_what_is_no_finished_run_is_one_line(tmp_path, tiny_run):
    with pytest.raises(UserError, match='no run is there'):
        freeze(str(tmp_path / 'none'), str(tmp_path / 'a.pb'))
    with open(os.path.join(tiny_run.model_dir, 'run.json'), 'rb') as file:
        (tmp_path / 'run.json').write_bytes(file.read())
    with pytest.raises(UserError, match='--model_dir .* has no checkpoint yet'):
        freeze(str(tmp_path), str(tmp_path / 'a.pb'))
    assert os.listdir(str(tmp_path)) == ['run.json']


def test_a_checkpoint_that_is_cut_short_is_one_line_and_no_file(tmp_path, tiny_run):
    for name in os.listdir(tiny_run.model_dir):
        if name.startswith(('run.json', 'checkpoint', 'model.ckpt-24')):
            with open(os.path.join(tiny_run.model_dir, name), 'rb') as file:
                data = file.read()
            (tmp_path / name).write_bytes(data[:len(data) // 2] if '.data' in name else data)
    with pytest.raises(UserError, match='model.ckpt-24: the checkpoint cannot be read'):
        freeze(str(tmp_path), str(tmp_path / 'a.pb'))
    assert not os.path.exists(str(tmp_path / 'a.pb'))


def test_an_output_that_cannot_be_written_is_one_line(tmp_path, tiny_run):
    (tmp_path / 'folder.pb').mkdir()
    (tmp_path / 'file').write_bytes(b'')
    for output in ('folder.pb', os.path.join('file', 'a.pb')):
        with pytest.raises(UserError, match='cannot be written'):
            freeze(tiny_run.model_dir, str(tmp_path / output))
    assert sorted(os.listdir(str(tmp_path))) == ['file', 'folder.pb']
