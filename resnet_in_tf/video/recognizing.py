"""Whether a film is asked for, told by names and first bytes: a photo needs nothing of what films need."""

import os

from resnet_in_tf.errors import UserError
from resnet_in_tf.pictures import images
from resnet_in_tf.pictures.guards import EXTENSIONS

# Endings by which a broken film is still told from a broken picture.
ENDINGS = frozenset('.mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .m2ts .flv .wmv .ogv .3gp'.split())
# ISO files that are pictures.
STILLS = (b'heic', b'heix', b'heim', b'heis', b'mif1', b'msf1', b'avif', b'avis')


def is_film(source, output):
    """Whether --input and --output ask for a film: one goes in, or a folder of frames becomes one.

    A GIF that moves is a film where it becomes one, and a picture where --output is a picture or a folder.

    Raises:
        UserError: a film cannot become what --output names.
    """
    to_film = becomes_film(output)
    if os.path.isdir(source):
        return to_film
    if not os.path.isfile(source) or not looks_like_film(source):
        return False
    if to_film:
        return True
    if images.format_of(source) == 'GIF':
        return False
    if os.path.splitext(output)[1] and not os.path.isdir(output) and not output.endswith(os.sep):
        from resnet_in_tf.video import encoding
        raise UserError('--output %s: a film becomes one of %s, or its frames a folder: %s%s' % (
            output, encoding.ENDINGS, output, os.sep))
    return True


def becomes_film(output):
    """Whether --output names a film."""
    ending = os.path.splitext(output)[1].lower()
    if not ending or ending in EXTENSIONS and ending != '.gif' or os.path.isdir(output):
        return False
    from resnet_in_tf.video import encoding
    return encoding.format_of(output) is not None


def looks_like_film(path):
    """Whether a file is a film by its first bytes, or by its ending where these say nothing.

    A GIF is one if it has a second frame.
    """
    try:
        with open(path, 'rb') as file:
            head = file.read(400)
    except OSError:
        return False  # whoever reads pictures says what is wrong with it
    if head[:4] == b'GIF8':
        return frames_of_gif(path) > 1
    if head[4:8] == b'ftyp':
        return head[8:12] not in STILLS
    found = (head[4:8] in (b'moov', b'mdat', b'wide', b'free', b'skip') or head[:4] == b'\x1aE\xdf\xa3'
             or head[:4] == b'RIFF' and head[8:12] == b'AVI ' or head[:3] == b'FLV' or head[:4] == b'OggS'
             or head[:4] == b'\x30\x26\xb2\x75' or head[:4] == b'\x00\x00\x01\xba'
             or head[:1] == b'G' and head[188:189] == b'G' and head[376:377] == b'G')
    return found or os.path.splitext(path)[1].lower() in ENDINGS


def frames_of_gif(path):
    """How many frames a GIF has, up to two."""
    from PIL import Image
    try:
        with Image.open(path) as image:
            image.seek(1)
        return 2
    except Exception:  # one frame, or damage that the reader of pictures tells
        return 1
