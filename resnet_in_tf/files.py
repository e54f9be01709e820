"""Files that are written whole or not at all, JSON as anybody may have written it, and where the cache is."""

import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import uuid

from resnet_in_tf.errors import UserError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be replaced and nothing is left to tell by
    fcntl = None  # type: ignore

TEMPORARY, SCRATCH = '.resnet_in_tf-%s.tmp', '.resnet_in_tf-%s.scratch'
_TEMPDIR = threading.RLock()  # who holds it may set tempfile.tempdir
_OURS = re.compile(r'\.resnet_in_tf-[0-9a-f]{32}\.(tmp|scratch)')


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
    file = _temporary_file(os.path.dirname(target))
    temporary = file.name
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # some file systems report a full disk only here
            if fcntl:
                os.replace(temporary, target)
        if not fcntl:
            os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def remove_leftovers(folder):
    """Removes what a killed process of this program left half written in a folder.

    A file that any process still writes, here or in another container, is locked and stays; so does
    whatever cannot be locked or removed.

    Args:
        folder: str; need not exist.
    """
    if not fcntl:
        return
    try:
        with os.scandir(folder) as entries:  # there can be millions
            names = [entry.name for entry in entries if _OURS.fullmatch(entry.name)]
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            if name.endswith('.scratch'):
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
                try:
                    if lock(descriptor):
                        shutil.rmtree(path)
                finally:
                    os.close(descriptor)
                continue
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, 'r+b') as file:
                if lock(file):
                    os.remove(path)


@contextlib.contextmanager
def scratch_folder(folder):
    """A folder for what is on its way, gone when the block ends; after a kill, the next one removes it.

    Args:
        folder: str, where to make it; it must exist.

    Yields:
        str, its path; it may be renamed in the block.

    Raises:
        OSError: it cannot be made.
    """
    remove_leftovers(folder)
    while True:
        path = os.path.join(folder, SCRATCH % uuid.uuid4().hex)
        os.mkdir(path, 0o700)
        descriptor = None
        try:
            if not fcntl:
                break
            descriptor = os.open(path, os.O_RDONLY)
            if not lock(descriptor, wait=True) or os.path.exists(path):
                break
            os.close(descriptor)
        except FileNotFoundError:  # taken for a leftover in the moment before it was locked
            pass
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def lock(file, wait=False):
    """Takes what is open for this process alone, until it is closed or the process ends.

    Args:
        file: a file, or the descriptor of a file or folder.
        wait: whether to wait for another process that has it.

    Returns:
        True; False where another process has it; None where there are no locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except (AttributeError, OSError):  # Windows; there are file systems without
        return None
    return True


def lock_folder(folder):
    """Takes a folder for this process alone, until the descriptor is closed or the process ends.

    Args:
        folder: str; it must exist.

    Returns:
        int, a descriptor; None where another process has it. Where there are no locks, nobody has.
    """
    descriptor = os.open(folder if fcntl else os.devnull, os.O_RDONLY)
    if lock(descriptor) is False:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def plain_path(folder):
    """A path of a folder that TensorFlow takes as it is, whatever the folder is called.

    TensorFlow reads [ ] * ? in a path as a pattern, needs UTF-8, and writes other paths into its
    files for a relative folder. Through an open descriptor the name plays no part.

    Args:
        folder: path of a folder that is there.

    Yields:
        (str, the descriptor).

    Raises:
        OSError: the folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        path = '/proc/self/fd/%d' % descriptor
        yield path if os.path.isdir(path) else os.path.abspath(folder), descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def own_temporary_folder():
    """Has whatever is made through `tempfile` in the block, by libraries too, removed after it.

    One thread at a time is in such a block, for the process has one folder of that kind.
    """
    with _TEMPDIR, scratch_folder(tempfile.gettempdir()) as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield folder
        finally:
            tempfile.tempdir = before


def _temporary_file(folder):
    # Locked until it has its name: who gets the lock knows that the maker is gone.
    while True:
        path = os.path.join(folder, TEMPORARY % uuid.uuid4().hex)
        file = open(path, 'xb')
        if not lock(file, wait=True) or os.path.exists(path):
            return file
        file.close()  # taken for a leftover in the moment before it was locked


def write_file(path, data):
    """Writes bytes whole or not at all, makes the folder where it is missing, and tidies it.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        folder = os.path.dirname(os.path.realpath(path))
        os.makedirs(folder, exist_ok=True)
        remove_leftovers(folder)
        with atomic_file(path) as file:
            file.write(data)
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error)) from error


def parse_json(text):
    """What JSON, str or bytes, says; ValueError where it is none, or nested without end."""
    try:
        return json.loads(text if isinstance(text, str) else bytes(text).decode('utf-8'))
    except RecursionError:
        raise ValueError('it is nested too deep') from None


def read_json(path):
    """What a file of JSON says; OSError where it cannot be read, ValueError as `parse_json`."""
    with open(path, encoding='utf-8') as file:
        return parse_json(file.read())


def cache_folder():
    """`$RESNET_IN_TF_CACHE`, else `resnet_in_tf` in the user's cache folder."""
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    return os.environ.get('RESNET_IN_TF_CACHE') or os.path.join(base, 'resnet_in_tf')


def cached_path(folder, stem, extension, data):
    """Path of what the cache keeps: the name holds a checksum of the bytes `data`."""
    return os.path.join(folder, '%s-%s%s' % (stem, hashlib.sha256(data).hexdigest()[:16], extension))


def find_cached(folder, stem, extension):
    """Finds a file of the cache that is as it was written; one that is not is removed.

    Args:
        folder: the cache.
        stem, extension: as in `cached_path`.

    Returns:
        (path, bytes), or None where there is no such file.
    """
    pattern = os.path.join(glob.escape(folder), '%s-%s%s' % (stem, '?' * 16, extension))
    for path in sorted(glob.glob(pattern)):
        try:
            with open(path, 'rb') as file:
                data = file.read()
            if path == cached_path(folder, stem, extension, data):
                return path, data
            os.remove(path)
        except OSError:  # unreadable, or another process was faster
            pass
    return None


def readable(name):
    """A file's name as text that UTF-8 can hold, whatever bytes the file system has for it."""
    return os.fsencode(name).decode('utf-8', 'replace')
