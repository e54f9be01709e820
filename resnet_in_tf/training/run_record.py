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
from resnet_in_tf.training import checkpoints

RECORD = 'run.json'
# What a record holds: text, or a list or an object of it; None is anything.
KINDS = {'config': {str: None}, 'split': {str: [str]}, 'loss_network': {str: None},
         'style_names': [str], 'styles': [{str: None}], 'versions': {str: None}}
OPTIONAL = {'style_pictures': {str: [str]}, 'encoder': str}  # of a run with a style predictor
# Flags that are called otherwise than their setting.
FLAGS = {'start': 'from', 'styles': 'style', 'predictor': 'styles_dir',
         'replicas': 'devices, times the workers,'}


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
        record = files.read_json(path)
        check(record, KINDS)
        check(record, {key: kind for key, kind in OPTIONAL.items() if key in record})
        return record
    except (OSError, ValueError) as error:
        raise UserError('%s: the run record is damaged (%s); restore it, or train into another '
                        '--model_dir' % (path, error)) from error


def check(record, kinds):
    """Raises ValueError where a record lacks a part, or has one that is not of its kind.

    Args:
        record: anything that JSON can hold.
        kinds: dict from the names of its parts to their kinds, as in KINDS.
    """
    if not isinstance(record, dict):
        raise ValueError('it is no object')
    for name, kind in kinds.items():
        if name not in record:
            raise ValueError('it has no %s' % name)
        check_kind(record[name], kind, name)


def check_kind(value, kind, name):
    """Raises ValueError where a part of a record is not of its kind, as in KINDS."""
    outer = kind if isinstance(kind, type) else type(kind)
    if kind is not None and not isinstance(value, outer):
        raise ValueError('%s is not of the right kind' % name)
    if isinstance(kind, list):
        for item in value:
            check_kind(item, kind[0], name)
    elif isinstance(kind, dict):
        for item in value.values():
            check_kind(item, kind[str], name)


def write(model_dir, record):
    """Writes the record of a run."""
    text = json.dumps(record, indent=1, sort_keys=True) + '\n'
    files.write_file(os.path.join(model_dir, RECORD), text.encode('ascii'))


def make_folder(model_dir):
    """Makes a run's folder where it is missing; raises UserError where that cannot be."""
    try:
        os.makedirs(model_dir, exist_ok=True)
    except OSError as error:
        raise UserError('--model_dir %s: cannot make the folder (%s); give another'
                        % (model_dir, error.strerror)) from error


def open_record(model_dir, config, free):
    """Starts a run's record, or opens the one that is there.

    Args:
        model_dir: folder.
        config: dict of every argument of the run.
        free: keys of `config` that may differ from the record's. Paintings may lie elsewhere, under
            the same names: `describe_styles` compares what is in them.

    Returns:
        dict with `config` renewed.

    Raises:
        UserError: the folder holds a run of another configuration.
    """
    config = json.loads(json.dumps(config))
    record = {'created': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}
    if os.path.exists(os.path.join(model_dir, RECORD)):
        record = read(model_dir)
        for key in sorted(set(config) - set(free) - {'model_dir'}):
            if key in record['config'] and differs(key, record['config'][key], config[key]):
                raise UserError('--model_dir %s holds a run with --%s %s, and now it is %s: repeat '
                                'the first command, or give another folder'
                                % (model_dir, FLAGS.get(key, key), shown(record['config'][key]),
                                   shown(config[key])))
    elif checkpoints.complete(model_dir):
        raise UserError('--model_dir %s holds checkpoints but no %s, so nobody knows what they are '
                        'of; give another folder' % (model_dir, RECORD))
    record['config'] = config
    record['versions'] = {'resnet_in_tf': resnet_in_tf.__version__, 'tensorflow': tf.__version__,
                          'numpy': np.__version__, 'python': platform.python_version()}
    return record


def differs(key, then, now):
    """Whether a setting is not what it was: paintings by their files' names, a network by its bytes."""
    if key == 'styles':
        then, now = [[os.path.basename(path) for path in paths] for paths in (then, now)]
    if key == 'start' and then and now:
        then, now = then['sha256'], now['sha256']
    return then != now


def shown(value):
    """A setting's value as a message shows it: a file that `describe_file` described by its name."""
    return value['file'] if isinstance(value, dict) else value


def describe_file(path):
    """A file's name and sha256, for the record."""
    with open(path, 'rb') as file:
        return {'file': files.readable(os.path.basename(path)),
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


def mark_failed(model_dir, record):
    """Says in a run's record that it ended by an error; on a full disk, in the bytes that are there."""
    try:
        write(model_dir, dict(record, status='failed'))
    except UserError:
        try:
            with open(os.path.join(model_dir, RECORD), 'r+b') as file:
                data = file.read()
                place = data.find(b'"status": "running"')
                if place >= 0:
                    file.seek(place)
                    file.write(b'"status": "failed" ')
        except OSError:  # the error that ended the run says what is wrong with the disk
            return


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
    step = checkpoints.newest_step(model_dir)
    stopped = signal and step < record['config']['train_steps']
    record = dict(record, status='stopped' if stopped else 'finished', step=step,
                  losses=latest_losses, broken_photos=sorted(broken))
    write(model_dir, record)
    return record
