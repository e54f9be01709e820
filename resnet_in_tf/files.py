"""Files that are written whole or not at all, and where the cache is."""

import contextlib
import os
import uuid

from resnet_in_tf.errors import UserError


@contextlib.contextmanager
def atomic_file(path):
    """Opens a binary file beside `path` that takes its place when the block ends well.

    Args:
        path: str; its folder must exist. A link stays a link.

    Yields:
        A file open for writing bytes.

    Raises:
        OSError: as the file system says; nothing is left behind.
    """
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), '.%s.tmp' % uuid.uuid4().hex)
    try:
        with open(temporary, 'xb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # some file systems report a full disk only here
        os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def write_file(path, data):
    """Writes bytes whole or not at all, and makes the folder where it is missing.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with atomic_file(path) as file:
            file.write(data)
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error)) from error


def cache_folder():
    """`$RESNET_IN_TF_CACHE`, else `resnet_in_tf` in the user's cache folder."""
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    return os.environ.get('RESNET_IN_TF_CACHE') or os.path.join(base, 'resnet_in_tf')
