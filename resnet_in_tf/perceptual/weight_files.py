"""Readers of VGG-19 weight files: Keras .h5, MatConvNet .mat and slim .ckpt, all to one form.

Every reader returns a dict `{'conv1_1': (kernel, bias), ..., 'conv5_4': (kernel, bias)}`: kernel
float32 `[3, 3, Cin, Cout]` for RGB input in [0, 255] less the RGB mean, bias float32 `[Cout]`.
Fully connected layers, where a file has them, are left out: no feature needs them.
"""

import hashlib
import os
import shutil
import tempfile

import h5py
import numpy as np
import scipy.io
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError

# (layer, Cin, Cout), from Simonyan and Zisserman 2015, Table 1, column E.
CONV_CHANNELS = (
    ('conv1_1', 3, 64), ('conv1_2', 64, 64),
    ('conv2_1', 64, 128), ('conv2_2', 128, 128),
    ('conv3_1', 128, 256), ('conv3_2', 256, 256), ('conv3_3', 256, 256), ('conv3_4', 256, 256),
    ('conv4_1', 256, 512), ('conv4_2', 512, 512), ('conv4_3', 512, 512), ('conv4_4', 512, 512),
    ('conv5_1', 512, 512), ('conv5_2', 512, 512), ('conv5_3', 512, 512), ('conv5_4', 512, 512),
)

IMAGENET_FILE = 'vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5'
IMAGENET_URL = ('https://github.com/fchollet/deep-learning-models/releases/download/v0.1/'
                + IMAGENET_FILE)
IMAGENET_MD5 = '253f8cb515780f3b799900260a226db6'

_RIGHT_FILES = (
    'VGG-19 weights are: the Keras .h5 from {} (md5 {}), imagenet-vgg-verydeep-19.mat from '
    'https://www.vlfeat.org/matconvnet/pretrained, or vgg_19.ckpt unpacked from '
    'http://download.tensorflow.org/models/vgg_19_2016_08_28.tar.gz'
).format(IMAGENET_URL, IMAGENET_MD5)

# A .mat holds kernels as [W, H, Cin, Cout]; this turns them to [H, W, Cin, Cout].
_MATCONVNET_AXES = (1, 0, 2, 3)

# The last eight bytes of TensorFlow's table format: a V1 checkpoint, or the index of a V2 one.
_TABLE_MAGIC = b'\x57\xfb\x80\x8b\x24\x75\x47\xdb'


def load(path):
    """Reads a VGG-19 weight file of any of the three formats, told apart by content, then name.

    Args:
        path: path of a Keras .h5, a MatConvNet .mat, or a slim checkpoint (a single file, or the
            prefix, `.index` or `.data-*` file of one in several files).

    Returns:
        dict of layer name to (kernel float32 `[3, 3, Cin, Cout]` for RGB input, bias float32
        `[Cout]`), for the 16 layers of `CONV_CHANNELS`, in their order.

    Raises:
        UserError: no such file, or it is not VGG-19.
    """
    prefix = _checkpoint_prefix(path)
    if prefix:
        return load_slim(prefix)
    _check_is_file(path)
    head, tail = _ends(path)
    if head.startswith(b'MATLAB'):
        return load_matconvnet(path)
    if h5py.is_hdf5(path):
        return load_keras(path)
    if tail == _TABLE_MAGIC:
        return load_slim(path)
    by_extension = {'.h5': load_keras, '.hdf5': load_keras, '.mat': load_matconvnet,
                    '.ckpt': load_slim}
    reader = by_extension.get(os.path.splitext(path)[1].lower())
    if reader is None:
        raise _bad(path, _why_unreadable(path, 'a .h5, .mat or .ckpt file'))
    return reader(path)


def load_keras(path):
    """Reads VGG-19 from a Keras HDF5 file, weights alone or whole model, with or without top.

    Keras' VGG-19 is Caffe's and takes BGR: the input channels of conv1_1 are reversed here.

    Args:
        path: path of the .h5 file.

    Returns:
        As `load`.

    Raises:
        UserError: the file cannot be read or is not VGG-19.
    """
    _check_is_file(path)
    found = {}
    try:
        with h5py.File(path, 'r') as f:
            # A whole model also holds `optimizer_weights`, whose slots go by the same names.
            root = f['model_weights'] if 'model_weights' in f else f
            datasets = []
            root.visititems(lambda name, item: datasets.append((name, item)))
            for layer, _, _ in CONV_CHANNELS:
                group = _keras_name(layer)
                # Leaf names changed over the years (block1_conv1_W_1:0, kernel:0): go by rank.
                parts = {item.ndim: item for name, item in datasets
                         if isinstance(item, h5py.Dataset) and group in name.split('/')}
                if 4 in parts and 1 in parts:
                    found[layer] = (parts[4][()], parts[1][()])
    except (OSError, RuntimeError, KeyError, ValueError):
        raise _bad(path, _why_unreadable(path, 'a Keras .h5 file')) from None
    weights = _checked(path, found, _keras_name)
    kernel, bias = weights['conv1_1']
    weights['conv1_1'] = (np.ascontiguousarray(kernel[:, :, ::-1, :]), bias)  # BGR to RGB
    return weights


def load_matconvnet(path):
    """Reads VGG-19 from MatConvNet's .mat, in the layout with `normalization` or with `meta`.

    Args:
        path: path of imagenet-vgg-verydeep-19.mat.

    Returns:
        As `load`.

    Raises:
        UserError: the file cannot be read or is not VGG-19.
    """
    _check_is_file(path)
    found = {}
    try:
        cells = scipy.io.loadmat(path, variable_names=['layers'])['layers']  # [1, 43] of structs
        for cell in cells.ravel():
            layer = cell[0, 0]
            if 'weights' in layer.dtype.names:  # a cell array [1, 2]
                parts = layer['weights'].ravel()
            elif 'filters' in layer.dtype.names:  # files of 2014
                parts = (layer['filters'], layer['biases'])
            else:
                continue
            if len(parts) == 2 and parts[0].ndim == 4:
                name = str(layer['name'].ravel()[0])
                found[name] = (parts[0].transpose(_MATCONVNET_AXES), parts[1].reshape(-1))
    except Exception:  # scipy raises a dozen types, TypeError and zlib.error too, on a broken file
        raise _bad(path, _why_unreadable(path, 'a MatConvNet .mat file')) from None
    return _checked(path, found)


def load_slim(path):
    """Reads VGG-19 from a TF-slim checkpoint, of one file (V1) or of index and data (V2).

    Args:
        path: path of the single file, or the prefix, `.index` or `.data-*` file of several; the
            extension .ckpt may be left out.

    Returns:
        As `load`.

    Raises:
        UserError: the checkpoint cannot be read or is not VGG-19.
    """
    prefix = _checkpoint_prefix(path)
    if not prefix:
        _check_is_file(path)
    found = {}
    try:
        reader = tf.train.load_checkpoint(prefix or path)
        for layer, _, _ in CONV_CHANNELS:
            names = [_slim_name(layer) + part for part in ('/weights', '/biases')]
            if all(reader.has_tensor(name) for name in names):
                found[layer] = tuple(reader.get_tensor(name) for name in names)
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError):  # by TensorFlow's version
        raise _bad(path, _why_unreadable(path, 'a slim checkpoint')) from None
    return _checked(path, found, _slim_name)


def fetch_imagenet(cache_dir=None):
    """Returns the path of Keras' ImageNet VGG-19 (80 MB), downloading it the first time.

    The file goes where Keras itself looks for it, so either's download serves both. It is put in
    place whole and checked, or not at all. In a container, mount a volume there to keep it.

    Args:
        cache_dir: Keras' cache folder; by default `$KERAS_HOME`, else `~/.keras`. The file lies in
        its sub-folder `models`.

    Returns:
        Path of the .h5 file, its md5 checked.

    Raises:
        UserError: the download failed.
    """
    cache_dir = cache_dir or os.environ.get('KERAS_HOME') or os.path.join('~', '.keras')
    folder = os.path.join(os.path.expanduser(cache_dir), 'models')
    path = os.path.join(folder, IMAGENET_FILE)
    if os.path.isfile(path) and _md5(path) == IMAGENET_MD5:
        return path
    half_done = None
    try:
        os.makedirs(folder, exist_ok=True)
        half_done = tempfile.mkdtemp(prefix='.vgg19-', dir=folder)
        fresh = tf.keras.utils.get_file(
            IMAGENET_FILE, IMAGENET_URL, file_hash=IMAGENET_MD5, hash_algorithm='md5',
            cache_dir=half_done, cache_subdir='')
        if _md5(fresh) != IMAGENET_MD5:  # get_file of 1.15 does not check what it downloaded
            raise ValueError('what came is not the file, its md5 differs')
        os.replace(fresh, path)
    except Exception as error:  # get_file raises plain Exception
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise UserError('{}: cannot be downloaded to {}: {}; download it by hand (md5 {}) and pass '
                        '--vgg_weights PATH'.format(IMAGENET_URL, folder, reason, IMAGENET_MD5)
                        ) from None
    finally:
        if half_done:
            shutil.rmtree(half_done, ignore_errors=True)
    return path


def _checked(path, found, file_name=str):
    """Returns the 16 layers in order as float32; UserError if one is missing or misshapen."""
    missing = [file_name(layer) for layer, _, _ in CONV_CHANNELS if layer not in found]
    if missing:
        reason = 'has no layer ' + missing[0]
        if len(missing) == len(CONV_CHANNELS):
            reason = 'has none of the layers of VGG-19'
        elif 'conv3_4' not in found and 'conv3_3' in found:
            reason += ' (VGG-16 lacks it)'
        raise _bad(path, reason)
    weights = {}
    for layer, c_in, c_out in CONV_CHANNELS:
        kernel, bias = (np.ascontiguousarray(part, np.float32) for part in found[layer])
        for part, right in ((kernel, (3, 3, c_in, c_out)), (bias, (c_out,))):
            if part.shape != right:
                raise _bad(path, 'layer {} has shape {}, VGG-19 has {}'.format(
                    file_name(layer), list(part.shape), list(right)))
            if not np.isfinite(part).all():
                raise _bad(path, 'layer {} has values that are not numbers'.format(
                    file_name(layer)))
        weights[layer] = (kernel, bias)
    return weights


def _keras_name(layer):
    """Maps conv1_2 to block1_conv2."""
    return 'block{}_conv{}'.format(layer[4], layer[6])


def _slim_name(layer):
    """Maps conv1_2 to vgg_19/conv1/conv1_2."""
    return 'vgg_19/{}/{}'.format(layer[:5], layer)


def _checkpoint_prefix(path):
    """Returns what TensorFlow calls the checkpoint at `path`, or None for `path` itself."""
    stem = path
    if path.endswith('.index'):
        stem = path[:-len('.index')]
    elif '.data-' in os.path.basename(path):
        stem = path[:path.rindex('.data-')]
    elif os.path.isfile(path):
        return None
    for prefix in (stem, stem + '.ckpt'):
        if os.path.isfile(prefix + '.index'):
            return prefix
    return stem + '.ckpt' if os.path.isfile(stem + '.ckpt') else None


def _check_is_file(path):
    """Raises UserError unless `path` is a file that can be opened."""
    if os.path.isdir(path):
        raise _bad(path, 'is a folder, not a weight file')
    try:
        with open(path, 'rb'):
            pass
    except OSError as error:
        raise _bad(path, error.strerror or 'cannot be opened') from None


def _ends(path):
    """Returns the first 512 and the last 8 bytes of a file."""
    with open(path, 'rb') as f:
        head = f.read(512)
        f.seek(max(0, os.path.getsize(path) - 8))
        return head, f.read()


def _why_unreadable(path, kind):
    """Says in a few words what a file is that could not be read as `kind`."""
    if not os.path.isfile(path):  # a checkpoint's prefix
        return 'cut short, or not ' + kind
    head = _ends(path)[0]
    if not head:
        return 'the file is empty'
    if head.lstrip().lower().startswith((b'<!doctype', b'<html', b'<?xml')):
        return 'is a web page saved in place of the weights'
    if head.startswith((b'\x1f\x8b', b'PK')):
        return 'is a packed archive; unpack it first'
    return 'cut short, or not ' + kind


def _md5(path):
    """Returns the md5 of a file, in hex."""
    digest = hashlib.md5()
    with open(path, 'rb') as f:
        for block in iter(lambda: f.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def _bad(path, reason):
    """Returns the UserError for a weight file that cannot be used."""
    return UserError('{}: {}. {}'.format(path, reason, _RIGHT_FILES))
