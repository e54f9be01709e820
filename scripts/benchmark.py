#!/usr/bin/env python3
"""Measures the speed of this machine: benchmark.py COMMAND [flags].

Commands:
  instance_norm  the normalization alone and in the network: reference, fused, left out
  serve          a running server under load: answers, waiting times, memory
"""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.errors import UserError  # noqa: E402

flags.DEFINE_integer('size', 1024, 'Side of the picture, in pixels.', 16)
flags.DEFINE_integer('batch_size', 4, 'Pictures in a training step.', 1)
flags.DEFINE_integer('batch_side', 256, 'Their side, in pixels.', 16)
flags.DEFINE_integer('rounds', 9, 'Timed rounds of each measurement.', 1)
flags.DEFINE_string('url', 'http://127.0.0.1:8080', 'serve: the server to load.')
flags.DEFINE_integer('clients', 8, 'serve: clients that ask at once.', 1)
flags.DEFINE_float('seconds', 60, 'serve: how long they ask.', 1)
flags.DEFINE_integer('photo_side', 512, 'serve: long side of their photos, in pixels.', 16)
flags.DEFINE_string('output', None, 'A .csv for the table as well.')


def instance_norm(values):
    from resnet_in_tf.evaluation import benchmark_instance_norm as benchmark
    size, side = values['size'], values['batch_side']
    shapes = [(1, size // scale, size // scale, 32 * scale) for scale in (1, 2, 4)]
    shapes.append((values['batch_size'], side, side, 32))
    try:
        return benchmark.machine(), benchmark.measure(
            shapes, size, values['batch_size'], side, values['rounds'],
            say=lambda line: print(line, file=sys.stderr))
    except RuntimeError as error:
        raise UserError(str(error)) from error


def serve(values):
    from resnet_in_tf.evaluation import benchmark_instance_norm, benchmark_serve
    return benchmark_instance_norm.machine(), benchmark_serve.measure(
        values['url'], values['clients'], values['seconds'], values['photo_side'])


COMMANDS = {'instance_norm': instance_norm, 'serve': serve}


def main(values):
    from resnet_in_tf.evaluation import tables
    machine, rows = COMMANDS[command](values)
    print('%s\n\n%s' % (machine, tables.markdown(rows)))
    if values['output']:
        tables.write_csv(values['output'], rows)
    return cli.EXIT_OK


if __name__ == '__main__':
    command = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in COMMANDS else None
    if command is None and not any(argument.startswith('--help') for argument in sys.argv):
        cli.fail('the first argument is one of: %s' % ', '.join(COMMANDS))
    cli.run(main)
