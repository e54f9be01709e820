"""The network that runs where none is named: where an installation, a clone and the Docker image have it."""

import os

from resnet_in_tf.errors import UserError

# Of each engine, the better first.
NAMES = {'tensorflow': ('any.pb',), 'onnxruntime': ('any.onnx', 'any.pb')}
VARIABLE = 'RESNET_IN_TF_CHECKPOINTS'  # a folder; the Docker image sets it
PACKAGE = os.path.dirname(os.path.abspath(__file__))
# What `pip install` brings (setup.py puts it there), and a clone's.
FOLDERS = (os.path.join(PACKAGE, 'checkpoints'), os.path.join(os.path.dirname(PACKAGE), 'checkpoints'))


def model(engine='tensorflow'):
    """Path of the network that runs where none is named.

    Args:
        engine: what is to run it, a key of NAMES.

    Raises:
        UserError: this installation has none.
    """
    folders = [folder for folder in (os.environ.get(VARIABLE),) + FOLDERS if folder]
    for name in NAMES[engine]:
        for folder in folders:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
    raise UserError('--model is missing, and this installation has no %s: name a network of freeze_graph.py, '
                    'or set %s to the folder of %s' % ((NAMES[engine][0], VARIABLE, NAMES[engine][0])))
