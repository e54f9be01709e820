"""The JSON record beside every run: flags, versions, split, losses; and whether a command fits it."""

import hashlib
import json
import os
import platform
import time

import numpy as np
import tensorflow.compat.v1 as tf

import resnet_in_tf
from resnet_in_tf import files
from resnet_in_tf.errors import UserError

RECORD = 'run.json'
KEYS = ('config', 'split', 'loss_network', 'style_names', 'styles', 'versions')


def read(model_dir):
    """The record of a run: dict.

    Raises:
        UserError: the folder holds no run, or its record is damaged.
    """
    path = os.path.join(model_dir, RECORD)
    if not os.path.exists(path):
        raise UserError('--model_dir %s: no run is there (%s is missing); train.py makes one'
                        % (model_dir, RECORD))
    try:
        with open(path, encoding='utf-8') as file:
            record = json.load(file)
        missing = [key for key in KEYS if key not in record]
        if missing:
            raise ValueError('it has no %s' % missing[0])
        return record
    except (OSError, ValueError, TypeError) as error:
        raise UserError('%s: the run record is damaged (%s); restore it, or train into another '
                        '--model_dir' % (path, error)) from error


def write(model_dir, record):
    """Writes the record of a run."""
    text = json.dumps(record, indent=1, sort_keys=True) + '\n'
    files.write_file(os.path.join(model_dir, RECORD), text.encode('ascii'))


def open_record(model_dir, config, free):
    """Starts a run's record, or opens the one that is there.

    Args:
        model_dir: folder; made where it is missing.
        config: dict of every argument of the run.
        free: keys of `config` that may differ from the record's.

    Returns:
        dict with `config` renewed.

    Raises:
        UserError: the folder holds a run of another configuration, or cannot be made.
    """
    config = json.loads(json.dumps(config))
    try:
        os.makedirs(model_dir, exist_ok=True)
    except OSError as error:
        raise UserError('--model_dir %s: cannot make the folder (%s); give another'
                        % (model_dir, error.strerror)) from error
    record = {'created': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}
    if os.path.exists(os.path.join(model_dir, RECORD)):
        record = read(model_dir)
        for key in sorted(set(config) - set(free) - {'model_dir'}):
            if key in record['config'] and record['config'][key] != config[key]:
                raise UserError('--model_dir %s holds a run with --%s %s, and now it is %s: repeat '
                                'the first command, or give another folder'
                                % (model_dir, key, record['config'][key], config[key]))
    elif tf.train.latest_checkpoint(model_dir):
        raise UserError('--model_dir %s holds checkpoints but no %s, so nobody knows what they are '
                        'of; give another folder' % (model_dir, RECORD))
    record['config'] = config
    record['versions'] = {'resnet_in_tf': resnet_in_tf.__version__, 'tensorflow': tf.__version__,
                          'numpy': np.__version__, 'python': platform.python_version()}
    return record


def checkpoint_step(model_dir):
    """The step of the newest checkpoint, 0 where there is none."""
    path = tf.train.latest_checkpoint(model_dir)
    return 0 if path is None else int(read_checkpoint(path, 'global_step'))


def read_checkpoint(path, name):
    """A variable of a checkpoint by its name: numpy array.

    Raises:
        UserError: the checkpoint is damaged, or holds no such variable.
    """
    try:
        return tf.train.load_checkpoint(path).get_tensor(name)
    except Exception as error:  # damage has another class in each release of TensorFlow
        raise UserError('%s: the checkpoint cannot be read (%s)'
                        % (path, str(error).split('\n')[0])) from error


def describe_file(path):
    """A file's name and sha256, for the record."""
    with open(path, 'rb') as file:
        return {'file': readable(os.path.basename(path)),
                'sha256': hashlib.sha256(file.read()).hexdigest()}


def describe_styles(styles, record):
    """Describes paintings by `describe_file`; a run that goes on must have those it began with.

    Raises:
        UserError: a painting's file is not what it was.
    """
    described = [describe_file(path) for path in styles]
    then = record.get('styles', [])[-len(styles):] or described
    for path, now, before in zip(styles, described, then):
        if now['sha256'] != before['sha256']:
            raise UserError('--style %s: another file than the run began with; put the old one '
                            'back, or give another --model_dir' % path)
    return described


def readable(name):
    """A file's name as text that UTF-8 can hold, whatever bytes the file system has for it."""
    return os.fsencode(name).decode('utf-8', 'replace')


def finish(model_dir, record, signal, latest_losses, broken):
    """Closes a run's record: how it ended, at which step and with which losses.

    Args:
        model_dir, record: the run.
        signal: number of the signal that stopped it, or None.
        latest_losses: dict of named losses.
        broken: names of photos that could not be read.

    Returns:
        The record, as written.
    """
    step = checkpoint_step(model_dir)
    stopped = signal and step < record['config']['train_steps']
    record = dict(record, status='stopped' if stopped else 'finished', step=step,
                  losses=latest_losses, broken_photos=sorted(broken))
    write(model_dir, record)
    return record
