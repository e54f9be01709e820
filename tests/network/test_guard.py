"""A stranger's graph: what no deployed graph has is refused in one line, before TensorFlow sees it."""

import os

import networks
import pytest
import tensorflow.compat.v1 as tf

from resnet_in_tf import exports
from resnet_in_tf.errors import UserError
from resnet_in_tf.network import frozen, generator, guard, model_file
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import style_pictures

KERNEL = 'generator/down/conv1/kernel'


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    with open(networks.write_random(tmp_path_factory.mktemp('guard') / 'net.pb'), 'rb') as file:
        return file.read()


def node(graph_def, name):
    return next(node for node in graph_def.node if node.name == name)


def tensor(graph_def, name):
    return node(graph_def, name).attr['value'].tensor


def with_value(name, value):
    return lambda graph_def: tensor(graph_def, name).CopyFrom(tf.make_tensor_proto(value))


def with_op(name, op):
    def change(graph_def):
        node(graph_def, name).op = op
    return change


def with_input(name, source):
    def change(graph_def):
        node(graph_def, name).input[0] = source
    return change


def with_size(name, size):
    def change(graph_def):
        tensor(graph_def, name).tensor_shape.dim[0].size = size
    return change


def huge(graph_def):
    value = tensor(graph_def, KERNEL)
    value.tensor_content = b''
    value.float_val.append(1.0)
    for side in value.tensor_shape.dim[:2]:
        side.size = 10 ** 6


def short(graph_def):
    value = tensor(graph_def, KERNEL)
    value.tensor_content = value.tensor_content[:100]


def twice(graph_def):
    graph_def.node.add().CopyFrom(node(graph_def, 'stylized'))


def without_stride(graph_def):
    next(node for node in graph_def.node if node.op == 'Conv2D').attr['strides'].list.i[:] = [1, 0, 0, 1]


def integer_image(graph_def):
    node(graph_def, 'image').attr['dtype'].type = tf.int32.as_datatype_enum


def without_value(graph_def):
    with_op('style_names', 'Placeholder')(graph_def)
    del node(graph_def, 'style_names').attr['value']


def with_function(graph_def):
    graph_def.library.function.add().signature.name = 'theirs'


def too_few_inputs(graph_def):
    del next(node for node in graph_def.node if node.op == 'Conv2D').input[1:]


def control_input(graph_def):
    node(graph_def, 'stylized').input.append('^image')


def long_range(graph_def):
    first = next(node for node in graph_def.node if node.op == 'Const'
                 and node.attr['dtype'].type == tf.int32.as_datatype_enum)
    first.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(2 ** 30))


def clear_names(graph_def):
    tensor(graph_def, 'style_names').Clear()


DAMAGE = {
    'no names': clear_names, 'no value': without_value,
    'names that are numbers': with_value('style_names', [1.0, 2.0]),
    'names that are no UTF-8': with_value('style_names', [b'\xff\xfe', b'b']),
    'one name, no list': with_value('style_names', b'one'),
    'names with control characters': with_value('style_names', [b'x\x1b[31m\n', b'y', b'identity']),
    'the same name twice': with_value('style_names', [b'x', b'x', b'identity']),
    'names without end': with_size('style_names', 10 ** 9),
    'a card that is no JSON': with_value('card', b'not json'),
    'a card that is no UTF-8': with_value('card', b'\xff'),
    'a card that is a list': with_value('card', b'[1]'),
    'a card that is a number': with_value('card', 1.0),
    'a card without end': with_value('card', b'[' * 100000),
    'an input that is not there': with_input('stylized', 'nowhere'),
    'an output that is not there': with_input('stylized', 'image:7'),
    'a ring': with_input('stylized', 'stylized'), 'an unknown operation': with_op('stylized', 'NoSuchOp'),
    'an operation of another kind': with_op('stylized', 'Shape'), 'an image of integers': integer_image,
    'a stride of zero': without_stride, 'two nodes of one name': twice, 'a constant cut short': short,
    'a constant larger than the file': huge, 'a kernel of negative size': with_size(KERNEL, -1),
    'a function': with_function, 'too few inputs': too_few_inputs, 'a control input': control_input,
    'an integer beyond all use': long_range,
    'a node that reads files': with_op('stylized', 'ReadFile'),
    'a node that writes files': with_op('stylized', 'WriteFile'),
    'a node that prints into files': with_op('stylized', 'PrintV2'),
    'a loop': with_op('stylized', 'Enter')}


@pytest.mark.parametrize('damage', sorted(DAMAGE))
def test_a_damaged_graph_is_one_line_to_run_and_to_export(tmp_path, data, damage):
    graph_def = tf.GraphDef.FromString(data)
    DAMAGE[damage](graph_def)
    path = tmp_path / 'a.pb'
    path.write_bytes(graph_def.SerializeToString())
    for use in (lambda: Stylizer(str(path), impl='reference'),
                lambda: exports.export(str(path), 'saved_model', str(tmp_path / 'out'))):
        with pytest.raises(UserError, match='--model .*a.pb') as caught:
            use()
        assert '\n' not in str(caught.value) and '\x1b' not in str(caught.value)
    assert os.listdir(str(tmp_path)) == ['a.pb']


def test_a_graph_that_writes_a_file_is_never_run(tmp_path, data):
    stolen = str(tmp_path / 'stolen')
    with tf.Graph().as_default() as graph:
        graph_def = tf.GraphDef.FromString(data)
        node(graph_def, 'stylized').name = 'inner'
        tf.import_graph_def(graph_def, name='')
        with tf.control_dependencies([tf.io.write_file(stolen, 'theirs')]):
            tf.identity(graph.get_tensor_by_name('inner:0'), name='stylized')
        (tmp_path / 'a.pb').write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(UserError, match="operation 'WriteFile'"):
        Stylizer(str(tmp_path / 'a.pb'))
    assert not os.path.exists(stolen)


def test_a_graph_with_the_four_names_alone_is_one_line(tmp_path):
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [None] * 3 + [3], 'image')
        tf.placeholder_with_default([[1.0, 0.0]], [None, 2], 'style_weights')
        tf.identity(image, 'stylized')
        tf.constant(['a', 'identity'], name='style_names')
        (tmp_path / 'a.pb').write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(UserError, match='it has no node generator/down/conv1/kernel'):
        Stylizer(str(tmp_path / 'a.pb'))


@pytest.mark.parametrize('system', sorted(generator.SYSTEMS))
def test_every_system_passes(tmp_path, system):
    graph_def, names, _ = frozen.read_graph(networks.write_random(tmp_path / 'a.pb', system))
    assert names == networks.STYLE_NAMES and frozen.first_width(graph_def) == 4


def test_the_operations_are_those_of_the_systems_and_none_touches_files():
    # TensorFlow 1.15 says Add where 2.15 says AddV2; all else is the same.
    made = set()
    pooling = [('resnet_any', vgg.random_weights(0, ('relu4_1',))._replace(pooling=each))
               for each in ('max', 'avg')]
    for system, weights in [(system, None) for system in generator.SYSTEMS] + pooling:
        with tf.Graph().as_default() as graph:
            frozen.deployed_graph(['a', 'identity'], {}, system, 4,
                                  weights and style_pictures.encoder_of(weights))
            made |= {each.type for each in graph.get_operations()
                     if not each.name.startswith(('save/', 'init')) and frozen_later(each)}
    assert set(guard.OPERATIONS) - made <= {'Add'}


def frozen_later(operation):
    """Whether an operation is left when variables have become constants."""
    return 'Variable' not in operation.type and operation.type not in ('Assign',)


def test_the_shipped_network_passes():
    assert len(frozen.read_graph(networks.CHECKPOINT)[1]) > 2


def test_a_file_without_end_is_one_line():
    with pytest.raises(UserError, match='larger than any network'):
        model_file.read_model('/dev/zero')
