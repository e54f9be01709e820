"""Readers of VGG-16 and VGG-19 files: Keras .h5, MatConvNet .mat and slim .ckpt, all to one form.

Every reader returns the architecture that it found, a key of ARCHITECTURES, and a dict
`{'conv1_1': (kernel, bias), ...}` with all its convolutions in order: kernel float32
`[3, 3, Cin, Cout]` for RGB input in [0, 255] less the RGB mean, bias float32 `[Cout]`. Fully
connected layers, where a file has them, are left out: no feature needs them.
"""

import contextlib
import glob
import os
import re
import tempfile

import h5py
import numpy as np
import scipy.io
import tensorflow.compat.v1 as tf

from resnet_in_tf.errors import UserError
from resnet_in_tf.perceptual.architectures import ARCHITECTURES
from resnet_in_tf.perceptual.fetching import IMAGENET_MD5, IMAGENET_URL

_ALL_LAYERS = tuple(layer for layer, _, _ in ARCHITECTURES['VGG-19'])  # VGG-16's among them

_RIGHT_FILES = (
    "A loss network is VGG-19 or VGG-16: the Keras .h5 from {} (md5 {}) or Keras' VGG-16 beside it, "
    'imagenet-vgg-verydeep-19.mat or -16.mat from https://www.vlfeat.org/matconvnet/pretrained, '
    'vgg_19.ckpt or vgg_16.ckpt unpacked from http://download.tensorflow.org/models/'
    'vgg_19_2016_08_28.tar.gz or vgg_16_2016_08_28.tar.gz; or take --vgg_weights hed, imagenet or random'
).format(IMAGENET_URL, IMAGENET_MD5)

# A .mat holds kernels as [W, H, Cin, Cout]; this turns them to [H, W, Cin, Cout].
_MATCONVNET_AXES = (1, 0, 2, 3)

# The last eight bytes of TensorFlow's table format: a V1 checkpoint, or the index of a V2 one.
_TABLE_MAGIC = b'\x57\xfb\x80\x8b\x24\x75\x47\xdb'


def load(path):
    """Reads a weight file of any of the three formats, told apart by content, then name.

    Args:
        path: path of a Keras .h5, a MatConvNet .mat, or a slim checkpoint (a single file, or the
            prefix, `.index` or `.data-*` file of one in several files).

    Returns:
        (architecture, weights): 'VGG-16' or 'VGG-19', and a dict of layer name to (kernel float32
        `[3, 3, Cin, Cout]` for RGB input, bias float32 `[Cout]`), in the order of the layers.

    Raises:
        UserError: no such file, or it is neither VGG-16 nor VGG-19.
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
    """Reads a Keras HDF5 file, weights alone or whole model, with or without top.

    Layers go by their names (block1_conv2), or in the `.weights.h5` of Keras 3, which keeps no names,
    by their place. Keras' VGG is Caffe's and takes BGR: the input channels of conv1_1 are reversed here.

    Args:
        path: path of the .h5 file.

    Returns:
        As `load`.

    Raises:
        UserError: the file cannot be read or is neither of them.
    """
    _check_is_file(path)
    try:
        with h5py.File(path, 'r') as f:
            # A whole model also holds `optimizer_weights`, whose slots go by the same names.
            root = f['model_weights'] if 'model_weights' in f else f
            arrays = []
            root.visititems(lambda name, item: arrays.append((name, item))
                            if isinstance(item, h5py.Dataset) else None)
            names = {layer: _keras_name(layer) for layer in _ALL_LAYERS}
            # Leaf names changed over the years (block1_conv1_W_1:0, kernel:0): go by rank.
            parts = {layer: {item.ndim: item for name, item in arrays if group in name.split('/')}
                     for layer, group in names.items()}
            if not any(parts.values()):
                names, parts = _by_place(path, arrays)
            found = {layer: (ranks[4][()], ranks[1][()])
                     for layer, ranks in parts.items() if 4 in ranks and 1 in ranks}
    except (OSError, RuntimeError, KeyError, ValueError):
        raise _bad(path, _why_unreadable(path, 'a Keras .h5 file')) from None
    architecture, weights = _checked(path, found, names.get)
    kernel, bias = weights['conv1_1']
    weights['conv1_1'] = (np.ascontiguousarray(kernel[:, :, ::-1, :]), bias)  # BGR to RGB
    return architecture, weights


def load_matconvnet(path):
    """Reads MatConvNet's .mat, in the layout with `normalization` or with `meta`.

    Args:
        path: path of imagenet-vgg-verydeep-19.mat or -16.mat.

    Returns:
        As `load`.

    Raises:
        UserError: the file cannot be read or is neither of them.
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
    """Reads a TF-slim checkpoint, of one file (V1) or of index and data (V2).

    Args:
        path: path of the single file, or the prefix, `.index` or `.data-*` file of several; the
            extension .ckpt may be left out.

    Returns:
        As `load`.

    Raises:
        UserError: the checkpoint cannot be read or is neither of them.
    """
    prefix = _checkpoint_prefix(path)
    if not prefix:
        _check_is_file(path)
    found = {}
    try:
        with _plainly_named(prefix or path) as plain:
            reader = tf.train.load_checkpoint(plain)
            scope = next((scope for scope in ('vgg_16', 'vgg_19') if any(
                name.startswith(scope + '/') for name in reader.get_variable_to_shape_map())), 'vgg_19')
            for layer in _ALL_LAYERS:
                names = [_slim_name(scope, layer) + part for part in ('/weights', '/biases')]
                if all(reader.has_tensor(name) for name in names):
                    found[layer] = tuple(reader.get_tensor(name) for name in names)
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError):  # by TensorFlow's version
        raise _bad(path, _why_unreadable(path, 'a slim checkpoint')) from None
    return _checked(path, found, lambda layer: _slim_name(scope, layer),
                    scope.upper().replace('_', '-'))


def _by_place(path, arrays):
    """Finds the convolutions of a Keras 3 `.weights.h5`, where each is `.../conv2d_7/vars/0` and `/1`.

    Args:
        path: path of the file.
        arrays: list of (name, dataset).

    Returns:
        (names, parts): dict layer -> its path in the file, and dict layer -> {4: kernel, 1: bias}.

    Raises:
        UserError: there are as many as no architecture has.
    """
    groups = {}
    for name, item in arrays:
        match = re.match('(.+)/vars/([01])$', name)
        if match:
            groups.setdefault(match.group(1), {})[item.ndim] = item
    convolutions = sorted((name for name, ranks in groups.items()
                           if 1 in ranks and 4 in ranks and ranks[4].shape[:2] == (3, 3)), key=_numbered)
    for table in ARCHITECTURES.values():
        if len(table) == len(convolutions):
            names = {layer: name for (layer, _, _), name in zip(table, convolutions)}
            return names, {layer: groups[name] for layer, name in names.items()}
    if convolutions:
        raise _bad(path, 'has %d convolutions of 3x3, %s' % (len(convolutions), ', '.join(
            '%s has %d' % (name, len(table)) for name, table in sorted(ARCHITECTURES.items()))))
    return {layer: _keras_name(layer) for layer in _ALL_LAYERS}, {}


def _numbered(path):
    """Sorts conv2d, conv2d_1, conv2d_2, ... conv2d_10 by their numbers, at every depth of a path."""
    parts = [re.match(r'(.*?)_?(\d*)$', part).groups() for part in path.split('/')]
    return [(stem, int(number or 0)) for stem, number in parts]


def _checked(path, found, file_name=str, architecture=None):
    """Checks what a reader found.

    Args:
        path: path of the file.
        found: dict layer -> (kernel, bias).
        file_name: function from a layer to its name in the file.
        architecture: where the file says it; else told by the layers that VGG-19 alone has.

    Returns:
        As `load`.

    Raises:
        UserError: a layer is missing, misshapen or not of numbers.
    """
    if not set(found) & set(_ALL_LAYERS):
        raise _bad(path, 'has none of the layers of VGG-16 and VGG-19')
    if not architecture:
        only_19 = set(_ALL_LAYERS) - {layer for layer, _, _ in ARCHITECTURES['VGG-16']}
        architecture = 'VGG-19' if only_19 & set(found) else 'VGG-16'
    weights = {}
    for layer, c_in, c_out in ARCHITECTURES[architecture]:
        if layer not in found:
            raise _bad(path, 'is %s and has no layer %s' % (architecture, file_name(layer)))
        arrays = []
        for part, right in zip(found[layer], ((3, 3, c_in, c_out), (c_out,))):
            if part.shape != right:
                raise _bad(path, 'layer {} has shape {}, {} has {}'.format(
                    file_name(layer), list(part.shape), architecture, list(right)))
            if part.dtype.kind not in 'fiu' or not np.isfinite(part).all():
                raise _bad(path, 'layer {} has values that are not numbers'.format(
                    file_name(layer)))
            arrays.append(np.ascontiguousarray(part, np.float32))
        weights[layer] = tuple(arrays)
    return architecture, weights


def _keras_name(layer):
    """Maps conv1_2 to block1_conv2."""
    return 'block{}_conv{}'.format(layer[4], layer[6])


def _slim_name(scope, layer):
    """Maps conv1_2 to vgg_19/conv1/conv1_2."""
    return '{}/{}/{}'.format(scope, layer[:5], layer)


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


@contextlib.contextmanager
def _plainly_named(checkpoint):
    """Links to a checkpoint's files under a name that TensorFlow takes as it is: the path of it there.

    In a name it reads [ ] * ? as a pattern, and it needs UTF-8.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in glob.glob(glob.escape(checkpoint) + '*'):
            ending = path[len(checkpoint):]
            if not ending or ending.startswith('.'):
                os.symlink(os.path.abspath(path), os.path.join(folder, 'weights' + ending))
        yield os.path.join(folder, 'weights')


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


def _bad(path, reason):
    """Returns the UserError for a weight file that cannot be used."""
    return UserError('{}: {}. {}'.format(path, reason, _RIGHT_FILES))
