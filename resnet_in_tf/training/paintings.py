"""The paintings that a run is trained on: their names and their pixels."""

import os
import unicodedata

from resnet_in_tf.errors import UserError
from resnet_in_tf.files import readable
from resnet_in_tf.network import model_file
from resnet_in_tf.network.interface import IDENTITY
from resnet_in_tf.pictures import images


def style_name(path):
    """A painting's name: its file's name without the ending; ',' and ':' would end it in a mix.

    Accents are put into one letter, as keyboards write them; macOS keeps them apart in file names.
    """
    name = unicodedata.normalize('NFC', readable(os.path.splitext(os.path.basename(path))[0]))
    return name.replace(',', '_').replace(':', '_').strip()


def check_styles(styles):
    """Returns the paintings' names; raises UserError where two agree or one is reserved."""
    names = [style_name(path) for path in styles]
    for name in names:
        if names.count(name) > 1:
            raise UserError('--style: two paintings are called %r; rename one file' % name)
        problem = problem_of(name)
        if problem:
            raise UserError('--style: %r %s; rename the file' % (name, problem))
    if not names:
        raise UserError('--style is missing: give one painting or more, --style a.jpg --style b.jpg')
    return names


def problem_of(name):
    """Why a name cannot be a style's, as the end of a sentence; None where it can."""
    if name == IDENTITY or not model_file.is_name(name):
        return 'cannot name a style'
    return 'cannot name a style, as numbers stand for their places' if name.isdecimal() else None


def read_painting(path, style_size):
    """A painting's file with its long side at most `style_size`: uint8 [H, W, 3]."""
    return reduced(images.read(path), style_size)


def reduced(painting, style_size):
    """A painting, uint8 [H, W, 3], with its long side at most `style_size`."""
    height, width = painting.shape[:2]
    scale = min(1.0, style_size / float(max(height, width)))
    return images.resize(painting, max(1, round(width * scale)), max(1, round(height * scale)))
