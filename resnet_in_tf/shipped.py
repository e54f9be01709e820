"""The network that runs where none is named: where an installation, a clone and the Docker image have it."""

import os

from resnet_in_tf.errors import UserError

NAME = 'any.pb'
VARIABLE = 'RESNET_IN_TF_CHECKPOINTS'  # a folder; the Docker image sets it
PACKAGE = os.path.dirname(os.path.abspath(__file__))
# What `pip install` brings (setup.py puts it there), and a clone's.
FOLDERS = (os.path.join(PACKAGE, 'checkpoints'), os.path.join(os.path.dirname(PACKAGE), 'checkpoints'))


def model():
    """Path of the network that runs where none is named.

    Raises:
        UserError: this installation has none.
    """
    folders = (os.environ.get(VARIABLE),) + FOLDERS
    for folder in filter(None, folders):
        path = os.path.join(folder, NAME)
        if os.path.isfile(path):
            return path
    raise UserError('--model is missing, and this installation has no %s: name a .pb of freeze_graph.py, or '
                    'set %s to the folder of %s' % (NAME, VARIABLE, NAME))
