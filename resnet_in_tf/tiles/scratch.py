"""Where pixels and features lie while tiles run: on a disk, if there is one.

Many systems keep /tmp in memory. What is spooled there to save memory would fill it.
"""

import os
import tempfile

MOUNTS = '/proc/self/mounts'
IN_MEMORY = ('tmpfs', 'ramfs')
OTHERWISE = '/var/tmp'  # by the file system's standard it outlives a restart, so it is on a disk


def folder():
    """The folder for temporary files: the system's own, or /var/tmp where that is memory."""
    usual = tempfile.gettempdir()
    if is_memory(usual) and os.access(OTHERWISE, os.W_OK | os.X_OK) and not is_memory(OTHERWISE):
        return OTHERWISE
    return usual


def is_memory(path):
    """Whether the file system of a path lies in memory; False where the system does not tell."""
    path = os.path.realpath(path)
    kind, longest = '', -1
    try:
        with open(MOUNTS, encoding='utf-8', errors='surrogateescape') as file:
            mounts = [line.split(' ')[1:3] for line in file if line.count(' ') > 2]
    except OSError:
        return False
    for mount, each in mounts:
        # Blanks and the like stand as \040 there. Of two mounts on one folder the later one counts.
        mount = mount.encode('utf-8', 'surrogateescape').decode('unicode_escape').encode(
            'latin-1').decode('utf-8', 'surrogateescape')
        inside = path == mount or path.startswith(mount.rstrip('/') + '/')
        if inside and len(mount) >= longest:
            kind, longest = each, len(mount)
    return kind in IN_MEMORY


def file():
    """A temporary file without a name, which does not outlive the process, open for bytes."""
    return tempfile.TemporaryFile(dir=folder())


def memory_bytes(size):
    """How much memory spooled bytes take: all of them where only memory is there, else none."""
    return size if is_memory(folder()) else 0
