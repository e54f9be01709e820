"""Batches: the time of a folder, from files to files, over the bare network's for its pictures.

Load on a machine drifts, so both are timed in turn, a part of the folder at a time.
"""

import collections
import os
import tempfile
import time

import numpy as np

from resnet_in_tf.pictures import images
from resnet_in_tf.restyling import batch, pipeline
from resnet_in_tf.restyling.stylizer import Stylizer


def measure(model, photos, part=20, count=100, impl='auto', show=print):
    """Times a folder of photos.

    Args:
        model: path of a .pb.
        photos: path, folder or pattern.
        part: pictures that are timed at a time.
        count: pictures in all, at most.
        impl: kernel of instance norm.
        show: called with a line on each part.

    Returns:
        List of dicts: one a part, and one for all.
    """
    stylizer = Stylizer(model, impl)
    weights = stylizer.style_weights('1')
    paths = images.list_pictures(photos)[:count]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(paths), part):
            pictures = paths[start:start + part]
            groups = grouped(pictures)
            for group in groups:  # the first run of a shape prepares what later ones use
                if not rows:
                    stylizer.stylize(group, weights)
            jobs = [batch.Job(path, os.path.join(folder, os.path.basename(path)))
                    for path in pictures]
            seconds = {}
            runs = [('network', lambda groups=groups: bare(stylizer, groups, weights)),
                    ('files', lambda jobs=jobs: batch.stylize_files(stylizer, jobs, weights))]
            for name, action in runs if len(rows) % 2 else runs[::-1]:
                begin = time.time(), time.process_time()
                action()
                seconds[name] = time.time() - begin[0], time.process_time() - begin[1]
            rows.append(row('%d to %d' % (start + 1, start + len(pictures)), seconds))
            show('%(pictures)s: %(ratio).3f' % rows[-1])
    stylizer.close()
    return rows + [total(rows)]


def grouped(paths):
    """The pictures as the pipeline groups them: list of uint8 [N, H, W, 3]."""
    sizes = collections.OrderedDict()
    for path in paths:
        pixels = images.read(path)
        sizes.setdefault(pixels.shape, []).append(pixels)
    return [np.stack(some[start:start + pipeline.AT_ONCE]) for some in sizes.values()
            for start in range(0, len(some), pipeline.AT_ONCE)]


def bare(stylizer, groups, weights):
    for group in groups:
        stylizer.stylize(group, weights)


def row(name, seconds):
    network, from_files = seconds['network'], seconds['files']
    return {'pictures': name, 'network s': network[0], 'files to files s': from_files[0],
            'ratio': from_files[0] / network[0], 'network CPU s': network[1],
            'files to files CPU s': from_files[1], 'CPU ratio': from_files[1] / network[1]}


def total(rows):
    """The sums of all parts, and their ratios."""
    sums = [sum(part[key] for part in rows) for key in (
        'network s', 'network CPU s', 'files to files s', 'files to files CPU s')]
    return row('all', {'network': sums[:2], 'files': sums[2:]})
