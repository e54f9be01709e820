"""The file of a network, whatever it is written in: its bytes, its kind, and what it tells of itself."""

import os
import unicodedata

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

LARGEST_FILE = 2 ** 29  # bytes; a network of 32 channels has 7 MB, one of 256 channels 450 MB


class Unfit(Exception):
    """A network that is not to be run; the message says why, in half a line."""


def read_model(path):
    """The bytes of a model file.

    Raises:
        UserError: it cannot be read, or is larger than any network.
    """
    try:
        with open(path, 'rb') as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise UserError('--model %s: %s' % (
            path, getattr(error, 'strerror', None) or error)) from error
    if len(data) > LARGEST_FILE:
        raise UserError('--model %s: is larger than any network, %d MB' % (path, LARGEST_FILE // 2 ** 20))
    return data


def first_byte(path):
    """The first byte of a file, by which `is_onnx` tells its kind; none where it cannot be read."""
    try:
        if not os.path.isfile(path):  # a pipe gives each byte once
            return b''
        with open(path, 'rb') as file:
            return file.read(1)
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return b''


def is_onnx(data, path):
    """Whether a model is ONNX: its first field is a number, a GraphDef's a node.

    What is neither goes by its name, so that the right reader says what is wrong with it.
    """
    return data[:1] == b'\x08' or data[:1] != b'\n' and path.lower().endswith('.onnx')


def style_names(values):
    """Checks the names of styles.

    Args:
        values: list of bytes or str, the last `identity`.

    Returns:
        List of str.

    Raises:
        Unfit: fewer than two, not text, twice the same, or with characters that no name has.
    """
    names = []
    for value in values:
        try:
            name = value.decode('utf-8') if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            raise Unfit('the name of a style is no UTF-8') from None
        if not isinstance(name, str) or not is_name(name):
            raise Unfit('%s is no name of a style' % shown(name))
        names.append(name)
    if len(names) < 2 or len(set(names)) < len(names):
        raise Unfit('it has not one name for each style')
    return names


def is_name(name):
    """Whether a text can be a style's name: one line that can be shown."""
    return bool(name) and not any(unicodedata.category(each) in ('Cc', 'Cs', 'Zl', 'Zp') for each in name)


def card(value):
    """Reads a card: JSON of an object, as bytes or str; Unfit where it is anything else."""
    try:
        found = files.parse_json(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unfit('its card is no JSON object')
    return found


def shown(value):
    """A name of a stranger's as it can stand in one line."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + '...'
