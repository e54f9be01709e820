"""Which Python has TensorFlow, and what to say where it has none."""

import importlib.util
import sys

from resnet_in_tf.errors import UserError

# What only training, exports and measures need; onnxruntime alone restyles and serves.
OF_TENSORFLOW = ('tensorflow', 'scipy', 'h5py', 'pycocotools', 'sklearn', 'matplotlib', 'tf2onnx')
NEEDED = 'needs TensorFlow'


def has_tensorflow():
    """Whether TensorFlow is installed; it is not imported."""
    return importlib.util.find_spec('tensorflow') is not None


def without_tensorflow(what):
    """A UserError that says where TensorFlow is.

    Args:
        what: str, what needs it, to begin the line.
    """
    return UserError('%s %s, which Python 3.6, 3.7 and 3.9 to 3.11 bring with pip install, and the Docker '
                     'image; this is Python %d.%d without it' % ((what, NEEDED) + sys.version_info[:2]))


def explain(error, what):
    """What to say of an ImportError; itself where TensorFlow is there, or something else is missing.

    Args:
        error: ImportError.
        what: as in `without_tensorflow`.
    """
    missing = (error.name or '').split('.')[0]
    if missing == 'tensorflow' or missing in OF_TENSORFLOW and not has_tensorflow():
        return without_tensorflow(what)
    return error
