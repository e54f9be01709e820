"""Readers of VGG-19 weight files, on files of the true layout with known random values.

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
from resnet_in_tf.perceptual import weight_files

ALL_LAYERS = [name for name, _, _ in weight_files.CONV_CHANNELS]
POOL_AFTER = ('conv1_2', 'conv2_2', 'conv3_4', 'conv4_4', 'conv5_4')
NARROW_TOP = (('fc6', (7, 7, 512, 2)), ('fc7', (1, 1, 2, 2)), ('fc8', (1, 1, 2, 10)))


@pytest.fixture(scope='module')
def known():
    """What every reader must return: {'conv1_1': (kernel, bias)} for RGB input."""
    random = np.random.RandomState(19)
    shapes = [(name, (3, 3, c_in, c_out)) for name, c_in, c_out in weight_files.CONV_CHANNELS]
    return {name: (random.random_sample(shape).astype(np.float32) - 0.5,
                   random.random_sample(shape[3]).astype(np.float32))
            for name, shape in shapes}


@pytest.fixture(scope='module')
def keras_model(known):
    """Keras' own VGG-19 with the known weights, in the BGR order that Keras wants."""
    tf.keras.backend.clear_session()
    model = tf.keras.applications.VGG19(weights=None, include_top=False)
    for name in known:
        model.get_layer(keras_name(name)).set_weights(keras_arrays(known, name))
    yield model
    tf.keras.backend.clear_session()


def keras_name(name):
    return 'block%s_conv%s' % (name[4], name[6])


def keras_arrays(known, name):
    kernel, bias = known[name]
    return [kernel[:, :, ::-1] if name == 'conv1_1' else kernel, bias]


def assert_known(weights, known):
    assert list(weights) == ALL_LAYERS
    for name, arrays in weights.items():
        for array, right in zip(arrays, known[name]):
            assert array.dtype == np.float32 and array.flags.c_contiguous
            np.testing.assert_array_equal(array, right, err_msg=name)


def test_layer_table_has_the_channels_of_vgg19_and_20_million_parameters():
    assert len(weight_files.CONV_CHANNELS) == 16
    size = sum(9 * c_in * c_out + c_out for _, c_in, c_out in weight_files.CONV_CHANNELS)
    assert size == 20024384  # what Keras prints for VGG19(include_top=False)


# --- Keras


def test_keras_weights_saved_by_keras_itself_come_out_in_rgb_order(known, keras_model, tmp_path):
    path = str(tmp_path / 'vgg19.h5')
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
    path = str(tmp_path / 'vgg19_weights_tf_dim_ordering_tf_kernels.h5')
    layers = ['input_1']
    with h5py.File(path, 'w') as f:
        f.create_group('input_1').attrs['weight_names'] = []
        for name in known:
            write_release_group(f, keras_name(name), keras_arrays(known, name))
            layers.append(keras_name(name))
            if name in POOL_AFTER:
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


# --- MatConvNet


@pytest.mark.parametrize('layout', ['normalization', 'meta'])
def test_matconvnet_layouts_are_read(known, tmp_path, layout):
    path = str(tmp_path / 'imagenet-vgg-verydeep-19.mat')
    write_mat(path, known, layout)
    assert len(scipy.io.loadmat(path)['layers'][0]) == 43
    assert_known(weight_files.load(path), known)


def write_mat(path, known, layout):
    """MatConvNet's importer writes Python dicts with scipy too: one cell a layer, [1, 43]."""
    mean = np.array([123.68, 116.779, 103.939]).reshape(1, 1, 3)
    classes = {'name': np.array(['n01440764'], object), 'description': np.array(['tench'], object)}
    layers = []
    for name, (kernel, bias) in known.items():
        layers += [mat_conv(layout, name, kernel, bias),
                   mat_layer(name.replace('conv', 'relu'), 'relu')]
        if name in POOL_AFTER:
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
    prefix = str(tmp_path / 'vgg_19.ckpt')
    write_slim(prefix, known, version)
    names = {'V1': ['vgg_19.ckpt', 'vgg_19'],
             'V2': ['vgg_19.ckpt', 'vgg_19', 'vgg_19.ckpt.index',
                    'vgg_19.ckpt.data-00000-of-00001']}[version]
    files = set(os.listdir(str(tmp_path))) - {'checkpoint'}
    assert files == ({'vgg_19.ckpt'} if version == 'V1' else set(names) - {'vgg_19.ckpt', 'vgg_19'})
    assert_known(weight_files.load(prefix), known)
    for name in names:
        again = weight_files.load(str(tmp_path / name))
        np.testing.assert_array_equal(again['conv5_4'][1], known['conv5_4'][1])
    if version == 'V1':  # its content tells what it is
        os.rename(prefix, str(tmp_path / 'weights'))
        assert list(weight_files.load(str(tmp_path / 'weights'))) == ALL_LAYERS


def write_slim(prefix, known, version):
    with tf.Graph().as_default(), tf.Session() as session:
        feeds, variables = {}, []
        for name, arrays in known.items():
            for part, array in zip(('weights', 'biases'), arrays):
                start = tf.placeholder(tf.float32, array.shape)
                variables.append(tf.Variable(
                    start, name='vgg_19/%s/%s/%s' % (name[:5], name, part)))
                feeds[start] = array
        variables.append(tf.Variable(tf.ones([1, 1, 2, 10]), name='vgg_19/fc8/weights'))
        variables.append(tf.Variable(0, name='global_step'))
        session.run(tf.variables_initializer(variables), feeds)
        saver = tf.train.Saver(variables, write_version=getattr(tf.train.SaverDef, version))
        saver.save(session, prefix, write_meta_graph=False)


# --- what is not VGG-19


def assert_says_what_to_do(error, path):
    message = str(error.value)
    assert message.startswith(path + ': ') and '\n' not in message
    assert weight_files.IMAGENET_URL in message and weight_files.IMAGENET_MD5 in message
    assert 'imagenet-vgg-verydeep-19.mat' in message and 'vgg_19.ckpt' in message
    return message


def write_empty_keras(path, layers, shapes=None):
    """A Keras file whose arrays hold no data, which HDF5 reads as zeros."""
    table = {name: (3, 3, c_in, c_out) for name, c_in, c_out in weight_files.CONV_CHANNELS}
    table.update(shapes or {})
    with h5py.File(path, 'w') as f:
        for name in layers:
            group = f.create_group('{0}/{0}'.format(keras_name(name)))
            group.create_dataset('kernel:0', table[name], 'f4')
            group.create_dataset('bias:0', table[name][3:], 'f4')


def test_vgg16_is_named_as_such(tmp_path):
    path = str(tmp_path / 'vgg16.h5')
    write_empty_keras(path, [name for name in ALL_LAYERS if not name.endswith('_4')])
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert 'block3_conv4 (VGG-16 lacks it)' in assert_says_what_to_do(error, path)


def test_a_missing_layer_is_named(tmp_path):
    path = str(tmp_path / 'vgg19.h5')
    write_empty_keras(path, [name for name in ALL_LAYERS if name != 'conv2_2'])
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert 'has no layer block2_conv2' in assert_says_what_to_do(error, path)


def test_a_wrong_shape_is_named_with_the_right_one(tmp_path):
    path = str(tmp_path / 'vgg19.h5')
    write_empty_keras(path, ALL_LAYERS, {'conv4_1': (3, 3, 256, 256)})
    with pytest.raises(UserError) as error:
        weight_files.load(path)
    assert ('block4_conv1 has shape [3, 3, 256, 256], VGG-19 has [3, 3, 256, 512]'
            in assert_says_what_to_do(error, path))


def test_values_that_are_not_numbers_are_refused(tmp_path):
    path = str(tmp_path / 'vgg19.h5')
    write_empty_keras(path, ALL_LAYERS)
    with h5py.File(path, 'a') as f:
        f['block5_conv1/block5_conv1/bias:0'][3] = np.nan
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
        tf.train.Saver([tf.Variable(1.0, name='vgg_16/conv1/conv1_1/weights')]).build()
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, slim, write_meta_graph=False)
    for path in (keras, mat, slim):
        with pytest.raises(UserError) as error:
            weight_files.load(path)
        assert 'none of the layers of VGG-19' in assert_says_what_to_do(error, path)


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
