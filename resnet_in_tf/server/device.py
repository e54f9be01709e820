"""The network for visitors' own devices: a folder of `freeze_graph.py --format web`, checked, handed out."""

import collections
import gzip
import hashlib
import io
import json
import os

import numpy as np
from PIL import Image

from resnet_in_tf.errors import UserError
from resnet_in_tf.files import parse_json

ADDRESS = 'device/'  # under which the page finds it
INDEX = 'site.json'
CLOSE = 3.0  # grey levels, on average: thumbnails of one network, whatever ran it and for JPEG's sake
LEVEL = 6  # of gzip: a third of the WebAssembly goes over the line
TYPES = {'.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm'}

Device = collections.namedtuple('Device', 'folder files thumbnails')
Device.__doc__ = """What the page needs to run the network itself.

Fields:
    folder: str, path.
    files: dict from addresses to File.
    thumbnails: list of bytes, a JPEG a style.
"""
File = collections.namedtuple('File', 'packed mimetype')  # gzip, bytes


def open_site(folder, style_names, card):
    """Reads the files that the page needs, and sees that they are whole and of this network.

    Args:
        folder: str, path of a folder of `freeze_graph.py --format web`.
        style_names: list of str, of the server's network, `identity` and all.
        card: dict, of the server's network.

    Returns:
        Device.

    Raises:
        UserError: not such a folder, a file is damaged, or another network's.
    """
    site = read_json(folder, INDEX)
    try:
        listed = list(site['files'].values()) + [each['wasm'] for each in site['runtimes'].values()]
        checksums = {each['path']: each['sha256'] for each in listed}
        scripts = [each[kind] for each in site['runtimes'].values() for kind in ('script', 'glue')]
        names = [style['name'] for style in site['styles']]
        thumbnails = [read(folder, style['thumbnail']) for style in site['styles']]
    except (KeyError, TypeError, AttributeError):
        raise UserError('--site %s: %s is not of this release; export it again' % (folder, INDEX)) from None
    check_same(folder, style_names[:-1], names, card, read_json(folder, 'network/card.json'))
    files = {}
    for path in [INDEX] + scripts + sorted(checksums):
        data = read(folder, path)
        if path in checksums and hashlib.sha256(data).hexdigest() != checksums[path]:
            raise UserError('--site %s: %s is damaged, its checksum is not that of %s; export it again'
                            % (folder, path, INDEX))
        files[path] = File(gzip.compress(data, LEVEL),
                           TYPES.get(os.path.splitext(path)[1], 'application/octet-stream'))
    return Device(folder, files, thumbnails)


def check_same(folder, names, other_names, card, other_card):
    """Raises UserError where names or cards tell that a site was made of another network."""
    if names != other_names:
        raise another(folder, 'its styles are %s' % ', '.join(other_names))
    card, other_card = [json.loads(json.dumps(dict(each, style_names=None))) for each in (card, other_card)]
    if card != other_card:
        parts = sorted(name for name in set(card) | set(other_card) if card.get(name) != other_card.get(name))
        raise another(folder, 'the cards differ in %s' % ', '.join(parts))


def check_thumbnails(device, thumbnails):
    """Raises UserError where the site's pictures of the sample photo are not the server's.

    Args:
        device: Device.
        thumbnails: list of bytes, as restyling.thumbnails gives them.
    """
    for ours, theirs in zip(thumbnails, device.thumbnails):
        try:
            one, other = [np.asarray(Image.open(io.BytesIO(data)), np.float32) for data in (ours, theirs)]
        except (OSError, ValueError):
            raise UserError('--site %s: a thumbnail is damaged; export it again' % device.folder) from None
        if one.shape != other.shape or abs(one - other).mean() > CLOSE:
            raise another(device.folder, 'its pictures differ')


def another(folder, how):
    """The error of a site that was made of another network."""
    return UserError("--site %s: was made of another network than the server's (%s); make it of the same "
                     '--model: freeze_graph.py --format web' % (folder, how))


def read_json(folder, path):
    """The dict in a JSON file of a site."""
    data = read(folder, path)
    try:
        value = parse_json(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UserError('--site %s: %s is damaged; export it again' % (folder, path))
    return value


def read(folder, path):
    """The bytes of a file of a site; none outside of it."""
    if path != os.path.normpath(path) or os.path.isabs(path) or path.startswith('..'):
        raise UserError('--site %s: %s names %s, which is no file of it' % (folder, INDEX, path))
    try:
        with open(os.path.join(folder, path), 'rb') as file:
            return file.read()
    except OSError as error:
        raise UserError('--site %s: %s cannot be read (%s); it takes the folder that freeze_graph.py '
                        '--format web wrote' % (folder, path, error.strerror or error)) from None
