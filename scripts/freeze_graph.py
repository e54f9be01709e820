#!/usr/bin/env python3
"""Writes a trained run as one file to deploy."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402

flags.DEFINE_string('model_dir', None, 'Folder of the run, as given to train.py.')
flags.DEFINE_string('output', None, 'The .pb to write.')


def main(values):
    cli.require(values, 'model_dir', 'output')
    from resnet_in_tf import export
    card = export.freeze(**values)
    print('%s: %.1f MB, styles %s, step %d' % (
        values['output'], os.path.getsize(values['output']) / 1e6,
        ', '.join(card['style_names'][:-1]), card['steps']))
    return cli.EXIT_OK


if __name__ == '__main__':
    cli.run(main)
