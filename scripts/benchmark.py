#!/usr/bin/env python3
"""Measures the speed of this machine: benchmark.py COMMAND [flags].

Commands:
  instance_norm  the normalization alone and in the network: reference, fused, left out
  cuda           its CUDA kernels by themselves, next to a copy of memory; needs no TensorFlow for GPUs
  large          large pictures in tiles: memory, time, distance from untiled, seams
  cluster        photos through one and two workers on Ray, and through stylize.py alone
  batch          a folder from files to files, over the bare network's time
  films          a film from file to file, steady or not, over the bare network's time
  startup        one picture from a cold process, part by part
  scaling        time by pixels and by styles
  precision      bfloat16 next to float32: time and distance
  peers          other programs, and our networks in every engine and precision, in turn
  style_image    from a painting to its row, and a pass with it, next to a named style
  serve          a running server under load: answers, waiting times, memory
  web            the page of freeze_graph.py --format web in Chromium, beside onnxruntime
"""

import functools
import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.errors import UserError  # noqa: E402
from resnet_in_tf.training import config  # noqa: E402


def define_flags():
    """Flags of every command; each says whose it is."""
    flags.DEFINE_integer('size', 1024, 'Side of the picture, in pixels.', 16)
    flags.DEFINE_integer('batch_size', config.default('batch_size'), 'Pictures in a training step.', 1)
    flags.DEFINE_integer('batch_side', 256, 'Their side, in pixels.', 16)
    flags.DEFINE_integer('rounds', 9, 'Timed rounds of each measurement.', 1)
    flags.DEFINE_string('url', 'http://127.0.0.1:8080', 'serve: the server to load.')
    flags.DEFINE_integer('clients', 8, 'serve: clients that ask at once.', 1)
    flags.DEFINE_float('seconds', 60, 'serve: how long they ask.', 1, 86400)
    flags.DEFINE_integer('photo_side', 512, 'serve, cluster: long side of their photos, in pixels.', 16)
    flags.DEFINE_string('model', None, 'large, batch, cluster, films, startup, precision, style_image: a '
                        '.pb of freeze_graph.py.')
    flags.DEFINE_string('photos', None, 'large, batch, cluster, startup, scaling, precision, peers, '
                        'style_image, web: a folder of photos.')
    flags.DEFINE_string('film', None, 'films: a short film; it is held in memory.')
    flags.DEFINE_list('sizes', ['256', '512', '1024', '2048'],
                      'precision, peers, web: sides of the photos, in pixels; web: 4000x3000, too.')
    flags.DEFINE_list('peers', ['styletransfer-lite', 'fast_neural_style', 'lengstrom'],
                      'peers: programs that are installed, each into an environment of its own in the cache '
                      'folder; the first is what all are compared with.')
    flags.DEFINE_list('models', [], 'peers: our networks. Default: the one that ships, and the small one '
                      'beside it.')
    flags.DEFINE_string('site', None, 'web: a folder of freeze_graph.py --format web.')
    flags.DEFINE_string('painting', None, 'style_image: a picture as a style.')
    flags.DEFINE_enum('engine', 'tensorflow', ['tensorflow', 'onnxruntime'],
                      'films, cluster, style_image: what runs the network.')
    flags.DEFINE_list('megapixels', ['1', '4', '16', '64', '100'],
                      'large, scaling: sizes, in millions of pixels.')
    flags.DEFINE_string('max_memory', '2GB', 'large: for the tiles.')
    flags.DEFINE_float('whole_up_to', 4, 'large: megapixels up to which untiled runs are made.')
    flags.DEFINE_float('exact_up_to', 4, 'large: the same for exact runs.')
    flags.DEFINE_float('aspect', 4 / 3, 'large: width of the pictures over their height.', 0.001, 1000)
    flags.DEFINE_enum('extension', '.jpg', ['.jpg', '.png', '.tif', '.webp'], 'large: of the pictures.')
    flags.DEFINE_integer('count', 100, 'batch: pictures at most; cluster: of photos.', 1)
    flags.DEFINE_list('styles', ['1', '2', '4', '8', '16', '32'], 'scaling: styles in a network.')
    flags.DEFINE_string('plot', None, 'scaling: a .png to draw into.')
    flags.DEFINE_string('output', None, 'A .csv for the table as well.')


def instance_norm(values):
    from resnet_in_tf.benchmarks import machine, norms
    try:
        return machine.describe(), norms.measure(
            norm_shapes(values), values['size'], values['batch_size'], values['batch_side'], values['rounds'],
            show=show)
    except RuntimeError as error:
        raise UserError(str(error)) from error


def cuda(values):
    from resnet_in_tf.benchmarks import cuda_kernels, machine
    return machine.describe(), cuda_kernels.measure(norm_shapes(values), values['rounds'], show)


def norm_shapes(values):
    """The [N, H, W, C] of the norms of a picture, and of a training step's first."""
    size, side = values['size'], values['batch_side']
    return [(1, size // scale, size // scale, 32 * scale) for scale in (1, 2, 4)] + [
        (values['batch_size'], side, side, 32)]


def serve(values):
    from resnet_in_tf.benchmarks import machine, serving
    return machine.describe(), serving.measure(
        values['url'], values['clients'], values['seconds'], values['photo_side'])


def large(values):
    from resnet_in_tf import memory
    from resnet_in_tf.benchmarks import large_pictures, machine
    cli.require(values, 'model', 'photos')
    return machine.describe(), large_pictures.measure(
        values['model'], values['photos'], numbers(values, 'megapixels', float),
        memory.parse_size(values['max_memory']), values['whole_up_to'], values['exact_up_to'],
        values['extension'], values['aspect'], show)


def batch(values):
    from resnet_in_tf.benchmarks import batches, machine
    cli.require(values, 'model', 'photos')
    return machine.describe(), batches.measure(
        values['model'], values['photos'], count=values['count'], show=show)


def cluster(values):
    from resnet_in_tf.benchmarks import cluster, machine
    cli.require(values, 'photos')
    return machine.describe(), cluster.measure(values['model'], values['photos'], values['count'],
                                               values['photo_side'], values['engine'], show)


def films(values):
    from resnet_in_tf.benchmarks import films, machine
    cli.require(values, 'model', 'film')
    return machine.describe(), films.measure(values['model'], values['film'], values['rounds'],
                                             values['engine'], show=show)


def startup(values):
    from resnet_in_tf.benchmarks import machine, startup
    from resnet_in_tf.pictures import images
    cli.require(values, 'model', 'photos')
    return machine.describe(), startup.measure(
        values['model'], images.list_pictures(values['photos'])[0], values['rounds'], show=show)


def scaling(values):
    from resnet_in_tf.benchmarks import machine, scaling
    from resnet_in_tf.pictures import images
    cli.require(values, 'photos')
    rows = scaling.measure(
        images.list_pictures(values['photos'])[0], numbers(values, 'megapixels', float),
        numbers(values, 'styles', int), rounds=values['rounds'], show=show)
    if values['plot']:
        scaling.plot(rows, values['plot'])
    return machine.describe(), rows


def precision(values):
    from resnet_in_tf.benchmarks import machine, precisions
    from resnet_in_tf.pictures import images
    cli.require(values, 'model', 'photos')
    return machine.describe(), precisions.measure(
        values['model'], images.list_pictures(values['photos']), numbers(values, 'sizes', int),
        values['rounds'], show)


def peers(values):
    from resnet_in_tf.benchmarks import machine, peers
    from resnet_in_tf.pictures import images
    cli.require(values, 'photos')
    return machine.describe(), peers.measure(
        values['peers'], values['models'] or peers.default_models(),
        images.list_pictures(values['photos'])[0], numbers(values, 'sizes', int), values['rounds'], show)


def style_image(values):
    from resnet_in_tf.benchmarks import machine, style_images
    from resnet_in_tf.pictures import images
    cli.require(values, 'model', 'photos', 'painting')
    return machine.describe(), style_images.measure(
        values['model'], images.list_pictures(values['photos'])[0], values['painting'], values['size'],
        values['rounds'], values['engine'], show)


def web(values):
    from resnet_in_tf.benchmarks import machine, web
    from resnet_in_tf.exports.tflite_model import parse_size
    from resnet_in_tf.pictures import images
    cli.require(values, 'site', 'photos')
    sizes = [parse_size(text if 'x' in text else '%sx%s' % (text, text)) for text in values['sizes']]
    return machine.describe(), web.measure(
        values['site'], images.list_pictures(values['photos'])[0], sizes, values['rounds'], show)


def numbers(values, flag, kind):
    """A list flag as numbers above zero."""
    try:
        found = [kind(text) for text in values[flag]]
    except ValueError:
        found = []
    if not found or not all(0 < number < 1e6 for number in found):
        raise UserError('--%s %s: numbers above 0 and below a million, with commas'
                        % (flag, ','.join(values[flag])))
    return found


def show(line):
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def table(measure, values):
    """Runs one benchmark and prints the machine and the table."""
    from resnet_in_tf.evaluation import tables
    described, rows = measure(values)
    print('%s\n\n%s' % (described, tables.markdown(rows)))
    if values['output']:
        tables.write_csv(values['output'], rows)
    return cli.EXIT_OK


COMMANDS = {measure.__name__: (define_flags, functools.partial(table, measure))
            for measure in (instance_norm, cuda, large, batch, cluster, films, startup, scaling, precision,
                            peers, style_image, serve, web)}

if __name__ == '__main__':
    cli.run_command(COMMANDS)
