"""A run's folder as TensorFlow sees it: a plain path, one training at a time, and which checkpoint counts."""

import contextlib
import os
import re
import shutil

import tensorflow.compat.v1 as tf

from resnet_in_tf import files
from resnet_in_tf.errors import UserError

STATE = 'checkpoint'
INDEX = re.compile(r'(model\.ckpt-(\d+))\.index\Z')
SHARD = re.compile(r'(model\.ckpt-\d+)\.data-(\d{5})-of-(\d{5})\Z')
HALF_WRITTEN = re.compile(r'model\.ckpt-\d+_temp_[0-9a-f]+\Z')


@contextlib.contextmanager
def plain_path(folder, lock=False):
    """A run's folder as `files.plain_path` gives it.

    Args:
        folder: path of a folder that is there.
        lock: whether to keep a second training out of it for as long.

    Yields:
        str.

    Raises:
        UserError: the folder cannot be opened, or another training has it.
    """
    with contextlib.ExitStack() as stack:
        try:
            path, descriptor = stack.enter_context(files.plain_path(folder))
        except OSError as error:
            raise UserError('--model_dir %s: cannot be opened (%s)' % (folder, error.strerror)) from error
        if lock:
            take_lock(descriptor, folder)
        yield path


def take_lock(descriptor, folder):
    """Locks an open folder until it is closed; the system does that for a process that dies."""
    taken = files.lock(descriptor)
    if taken is False:
        raise UserError('--model_dir %s: another training is at work in it; wait for its end, or give '
                        'another folder' % folder)
    for name in os.listdir(folder) if taken else []:
        if HALF_WRITTEN.match(name):  # of a process that died, or it would hold the lock
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def complete(folder):
    """Names of the checkpoints that have all their files, by step."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    shards = {}
    for match in filter(None, map(SHARD.match, names)):
        shards.setdefault(match.group(1), []).append(int(match.group(3)))
    found = [match for match in map(INDEX.match, names) if match and
             len(shards.get(match.group(1), ())) == max(shards.get(match.group(1), (1,)))]
    return [match.group(1) for match in sorted(found, key=lambda match: int(match.group(2)))]


def usable(folder):
    """The checkpoints that a run can go on from, oldest first: those up to the one named in `checkpoint`.

    Where that file is missing, damaged, or names what is not there, all that are complete.

    Raises:
        UserError: checkpoints were written, and none is complete any more.
    """
    there = complete(folder)
    try:
        with open(os.path.join(folder, STATE), 'rb') as file:
            text = file.read()
    except OSError:
        return there
    if not there:
        raise UserError('--model_dir %s: it held checkpoints, and the files of all of them are missing '
                        'or incomplete; put them back, or give another folder' % folder)
    named = re.search(rb'(?m)^\s*model_checkpoint_path:\s*"([^"\n]*)"', text)
    name = os.path.basename(named.group(1).decode('ascii', 'replace')) if named else ''
    return there[:there.index(name) + 1] if name in there else there


def repair(folder):
    """Writes `checkpoint` anew from what is there: TensorFlow goes on from what it names."""
    names = usable(folder)
    if names:
        write_state(folder, names)


def write_state(folder, names):
    """Names checkpoints, oldest first, in the file `checkpoint`, relative to the folder."""
    lines = ['model_checkpoint_path: "%s"' % names[-1]]
    lines += ['all_model_checkpoint_paths: "%s"' % name for name in names]
    files.write_file(os.path.join(folder, STATE), ('\n'.join(lines) + '\n').encode('ascii'))


def newest_step(folder):
    """The step of the newest checkpoint, 0 where there is none.

    Raises:
        UserError: it is damaged.
    """
    names = usable(folder)
    return int(read(folder, names[-1], ['global_step'])['global_step']) if names else 0


def read(folder, name, variables=None):
    """Variables of a checkpoint.

    Args:
        folder: of the run.
        name: of the checkpoint, such as 'model.ckpt-24'.
        variables: names, or None for all.

    Returns:
        dict name -> numpy array.

    Raises:
        UserError: the checkpoint is damaged, or holds no such variable.
    """
    with plain_path(folder) as path:
        try:
            reader = tf.train.load_checkpoint(os.path.join(path, name))
            if variables is None:
                variables = sorted(reader.get_variable_to_shape_map())
            return {variable: reader.get_tensor(variable) for variable in variables}
        except Exception as error:  # damage has another class in each release of TensorFlow
            raise UserError('%s: the checkpoint cannot be read (%s)' % (
                os.path.join(folder, name),
                str(error).split('\n')[0].replace(path, folder))) from error


def read_newest(folder):
    """Every variable of the newest checkpoint: dict; empty where there is none.

    A run that trains on may delete it meanwhile: then the one that is newest by now is read.

    Raises:
        UserError: it is damaged.
    """
    names = usable(folder)
    while names:
        try:
            return read(folder, names[-1])
        except UserError:
            now = usable(folder)
            if now[-1:] == names[-1:]:
                raise
            names = now
    return {}


def delete(folder, name):
    """Deletes a checkpoint's files."""
    for entry in os.listdir(folder):
        if entry.startswith(name + '.'):
            os.remove(os.path.join(folder, entry))
