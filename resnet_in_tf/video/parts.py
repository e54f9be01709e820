"""What a killed run leaves for the next: whole segments in a folder beside the film to be."""

import contextlib
import json
import os
import shutil
import uuid
import zipfile

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

ENDING = '.parts'
STATE = '.npz'
RECORD, END, PUBLISHED = 'record.json', 'end.json', 'published.json'


class Parts:
    """The folder of segments of one film.

    A segment is there when its film is: its times and its state are written before it takes its name.

    Args:
        target: str, the film to be.
        record: dict, all that the frames depend on.
        anew: whether what is there may be removed where it belongs to another record.

    Attributes:
        segments: list of (path, list of int, times in ticks), whole and in order.
        state: list of arrays that what follows the last segment goes on from, or None.
        end: dict that was given to `finish`, or None.

    Raises:
        UserError: another process works on it, or it belongs to another record.
    """

    def __init__(self, target, record, anew=False):
        self.target = os.path.realpath(target)
        self.folder = self.target + ENDING
        self.segments, self.end = [], None
        record = json.loads(json.dumps(record))
        with told(self.folder):
            os.makedirs(self.folder, exist_ok=True)
            self.lock = files.lock_folder(self.folder)
            if self.lock is None:
                raise UserError('%s: another process is making this film' % target)
            before = self.load(RECORD)
            if before != record:
                if before is None and os.listdir(self.folder) and self.segment_names():
                    before = {}
                if before is not None and not anew:
                    os.close(self.lock)
                    changed = sorted(key for key in record if before.get(key) != record[key])
                    raise UserError('%s: is part of this film made with another %s; give --overwrite to '
                                    'begin anew, or the command of before to go on' % (
                                        self.folder, ' and '.join(changed) or 'version'))
                self.clear()
                self.store(RECORD, record)
            for name in os.listdir(self.folder):
                if name.endswith('.tmp'):
                    os.remove(os.path.join(self.folder, name))
        self.end = self.load(END)
        while True:
            path = self.path(len(self.segments))
            times = self.load(os.path.basename(path) + '.json')
            if not os.path.exists(path) or times is None:
                break
            self.segments.append((path, times))
        self.state = load_arrays(self.segments[-1][0] + STATE) if self.segments else None

    @property
    def frames(self):
        """How many frames are in whole segments."""
        return sum(len(times) for _, times in self.segments)

    def path(self, number):
        return os.path.join(self.folder, '%06d.mkv' % number)

    def segment_names(self):
        return [name for name in os.listdir(self.folder) if name.endswith('.mkv')]

    def temporary(self):
        """A path in the folder that the next run removes."""
        return os.path.join(self.folder, uuid.uuid4().hex + '.tmp')

    def add(self, temporary, times, state=None):
        """Takes a whole segment.

        Args:
            temporary: path of its file, which is renamed.
            times: list of int, of its frames.
            state: list of arrays that what follows goes on from, or None.
        """
        path = self.path(len(self.segments))
        with told(path):
            if state is not None:
                store_arrays(path + STATE, state)
            self.store(os.path.basename(path) + '.json', times)
            keep(temporary, path)
            if self.segments and os.path.exists(self.segments[-1][0] + STATE):
                os.remove(self.segments[-1][0] + STATE)
        self.segments.append((path, times))

    def finish(self, end):
        """Notes that no segment will follow, and what was seen: dict."""
        self.end = end
        self.store(END, end)

    def publish(self, temporary):
        """Gives the film its name, and removes the folder."""
        with told(self.target):
            self.store(PUBLISHED, True)
            keep(temporary, self.target)
            shutil.rmtree(self.folder)

    @staticmethod
    def remove_published(target):
        """Removes the folder of a film that has its name, where a kill came between."""
        folder = os.path.realpath(target) + ENDING
        if os.path.exists(os.path.join(folder, PUBLISHED)):
            shutil.rmtree(folder, ignore_errors=True)

    def load(self, name):
        try:
            return files.read_json(os.path.join(self.folder, name))
        except (OSError, ValueError):
            return None

    def store(self, name, value):
        with files.atomic_file(os.path.join(self.folder, name)) as file:
            file.write(json.dumps(value, sort_keys=True).encode())

    def clear(self):
        """Removes what earlier runs have made; nothing else."""
        for name in os.listdir(self.folder):
            if name.endswith(('.mkv', '.json', '.tmp', STATE)):
                os.remove(os.path.join(self.folder, name))

    def close(self):
        """Lets other processes have the folder; an empty one goes."""
        if self.lock is None:
            return
        if not self.segments and os.path.isdir(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.lock)
        self.lock = None


def store_arrays(path, arrays):
    """Writes arrays, whole or not at all."""
    with files.atomic_file(path) as file:
        np.savez_compressed(file, *arrays)


def load_arrays(path):
    """A list of the arrays that `store_arrays` wrote; None where there is no such file."""
    try:
        with np.load(path) as file:
            return [file['arr_%d' % number] for number in range(len(file.files))]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def keep(temporary, path):
    """Has a file survive a failing machine, then gives it its name."""
    with open(temporary, 'r+b') as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


@contextlib.contextmanager
def told(path):
    """Turns an OSError into one line."""
    try:
        yield
    except OSError as error:
        raise UserError('%s: cannot be written (%s)' % (path, error.strerror or error)) from error
