"""Rows of paintings on disk: the next program that is given a painting need not make its row again."""

import contextlib
import hashlib
import os

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

ENDING = '.row'
MOST_FILES = 1000  # of 13 KB each; the one longest unused makes room


def row(folder, predictor, painting, make):
    """A painting's row, from the cache where it is there, else made and kept.

    Args:
        folder: the cache; one that cannot be written is done without.
        predictor, painting: str, checksums of what makes the row, and of what it is made from.
        make: function that gives the row, float32 [R].

    Returns:
        float32 [R].
    """
    stem = 'style-' + hashlib.sha256(('%s %s' % (predictor, painting)).encode()).hexdigest()[:32]
    found = files.find_cached(folder, stem, ENDING)
    if found:
        path, data = found
        with contextlib.suppress(OSError):
            os.utime(path)
        return np.frombuffer(data, '<f4')
    made = make()
    data = np.asarray(made, '<f4').tobytes()
    with contextlib.suppress(UserError):
        files.write_file(files.cached_path(folder, stem, ENDING, data), data)
        make_room(folder)
    return made


def make_room(folder):
    """Removes the rows longest unused where there are more than MOST_FILES."""
    ages = []
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith(ENDING):
                with contextlib.suppress(OSError):  # another process was faster
                    ages.append((os.path.getmtime(os.path.join(folder, name)), name))
    for _, name in sorted(ages)[:max(0, len(ages) - MOST_FILES)]:
        with contextlib.suppress(OSError):
            os.remove(os.path.join(folder, name))
