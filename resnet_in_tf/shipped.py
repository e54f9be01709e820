"""The networks that ship, by name: where an installation, a clone and the Docker image have them."""

import os

from resnet_in_tf.errors import UserError

# Of each engine, the better first.
ENDINGS = {'tensorflow': ('.pb',), 'onnxruntime': ('.onnx', '.pb')}
DEFAULT = 'any'  # runs where none is named
VARIABLE = 'RESNET_IN_TF_CHECKPOINTS'  # a folder; the Docker image sets it
PACKAGE = os.path.dirname(os.path.abspath(__file__))
# What `pip install` brings (setup.py puts it there), and a clone's.
FOLDERS = (os.path.join(PACKAGE, 'checkpoints'), os.path.join(os.path.dirname(PACKAGE), 'checkpoints'))


def is_name(model):
    """Whether --model names a network that ships, and no file: it is a word without folder or ending."""
    return bool(model) and os.path.basename(os.path.splitext(model)[0]) == model and not os.path.exists(model)


def path_of(engine='tensorflow', name=DEFAULT):
    """Path of a network that ships.

    Args:
        engine: what is to run it, a key of ENDINGS.
        name: its file's, without ending.

    Raises:
        UserError: this installation has none of that name.
    """
    folders = [folder for folder in (os.environ.get(VARIABLE),) + FOLDERS if folder]
    for folder in folders:
        for ending in ENDINGS[engine]:
            path = os.path.join(folder, name + ending)
            if os.path.isfile(path):
                return path
    if name != DEFAULT:
        raise UserError('--model %s: there is no such file, and no network of that name ships; '
                        'there are: %s' % (name, ', '.join(names(folders)) or 'none'))
    file = DEFAULT + ENDINGS[engine][0]
    raise UserError('--model is missing, and this installation has no %s: name a network of freeze_graph.py, '
                    'or set %s to the folder of %s' % (file, VARIABLE, file))


def names(folders):
    """Names of the networks in some folders: each has a card."""
    return sorted({os.path.splitext(file)[0] for folder in folders if os.path.isdir(folder)
                   for file in os.listdir(folder) if file.endswith('.json')})
