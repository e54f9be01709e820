"""Scaling: time of one pass by pixels, and by the styles that a network holds and mixes.

Load on a machine drifts, so all cases run in turn, round after round; seconds are the process's CPU
time, which other processes disturb least, and wall time beside it.
"""

import os
import tempfile
import time

import numpy as np
import tensorflow.compat.v1 as tf

from resnet_in_tf.evaluation.report import figures
from resnet_in_tf.network import frozen
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import config


def measure(photo, megapixels, styles, rounds=5, show=print):
    """Times passes over pictures of several sizes, and of networks with several styles.

    Args:
        photo: path of a picture, which is resized.
        megapixels: list of sizes, in millions of pixels.
        styles: list of numbers of styles; all are mixed in one pass.
        rounds: timed rounds, after one that is not.
        show: called with a line on each round.

    Returns:
        List of dicts: case, CPU seconds, wall seconds, and how far the CPU time is from the fit: a
        line through zero for pixels, the mean for styles.
    """
    pixels = images.read(photo)
    with tempfile.TemporaryDirectory() as folder:
        networks = {count: Stylizer(random_network(os.path.join(folder, '%d.pb' % count), count))
                    for count in styles}
    cases = [('megapixels', size, styles[0], square(pixels, size)) for size in megapixels]
    cases += [('styles', count, count, square(pixels, megapixels[0])) for count in styles]
    seconds = [[] for _ in cases]
    for number in range(rounds + 1):
        for (_, _, count, picture), times in zip(cases, seconds):
            weights = np.full(count + 1, 1 / (count + 1), np.float32)
            start = time.process_time(), time.time()
            networks[count].stylize(picture, weights)
            if number:
                times.append((time.process_time() - start[0], time.time() - start[1]))
        show('round %d of %d' % (number, rounds))
    for network in networks.values():
        network.close()
    rows = [{'by': by, 'value': round(picture.size / 3e6, 4) if by == 'megapixels' else value,
             'CPU seconds': float(np.median([time_[0] for time_ in times])),
             'wall seconds': float(np.median([time_[1] for time_ in times]))}
            for (by, value, _, picture), times in zip(cases, seconds)]
    for by, fit in (('megapixels', through_zero), ('styles', np.mean)):
        some = [row for row in rows if row['by'] == by]
        values = np.array([row['value'] if by == 'megapixels' else 1 for row in some])
        slope = fit(np.array([row['CPU seconds'] for row in some]) / values)
        for row, value in zip(some, values):
            row['from fit %'] = 100 * (row['CPU seconds'] / (slope * value) - 1)
    return rows


def through_zero(ratios):
    """The slope that keeps the greatest relative distance least: the middle of the ratios."""
    return (ratios.min() + ratios.max()) / 2


def square(pixels, megapixels):
    side = int(round((megapixels * 1e6) ** 0.5 / 4)) * 4
    return images.resize(pixels, side, side)


def random_network(path, styles):
    """Writes a network of random weights, whose speed is that of any other: its path."""
    network = config.default('system'), config.default('width')
    names = ['style%d' % number for number in range(1, styles + 1)] + ['identity']
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        frozen.deployed_graph(names, {}, *network)
        shapes = {variable.op.name: variable.shape.as_list()
                  for variable in tf.global_variables()}
    graph_def = frozen.frozen_graph(
        names, {}, lambda name: 0.1 * random.randn(*shapes[name]).astype(np.float32), *network)
    with open(path, 'wb') as file:
        file.write(graph_def.SerializeToString())
    return path


def plot(rows, path):
    """Draws both curves of `measure` into a picture file."""
    plt = figures.pyplot()
    figure, both = plt.subplots(1, 2, figsize=(9, 3.5))
    for axes, by in zip(both, ('megapixels', 'styles')):
        some = [row for row in rows if row['by'] == by]
        values, times = [[row[key] for row in some] for key in ('value', 'CPU seconds')]
        axes.plot(values, times, 'o', label='measured')
        if by == 'megapixels':
            slope = through_zero(np.array(times) / np.array(values))
            axes.plot([0, max(values)], [0, slope * max(values)], '-', label='line through zero')
        else:
            axes.plot([0, max(values)], [np.mean(times)] * 2, '-', label='mean')
        axes.set_xlabel({'megapixels': 'million pixels', 'styles': 'styles, all mixed'}[by])
        axes.set_ylabel('CPU seconds')
        axes.set_ylim(0, 1.2 * max(times))
        axes.legend(loc='lower right')
    figures.save(figure, *os.path.split(os.path.splitext(path)[0]))
