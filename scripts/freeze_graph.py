#!/usr/bin/env python3
"""Writes a trained run, or a frozen network, in a form to deploy."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402

flags.DEFINE_string('model_dir', None, 'Folder of the run, as given to train.py.')
flags.DEFINE_string('model', None, 'A .pb instead of a run.')
flags.DEFINE_string('output', None, 'The file to write; the folder of a SavedModel or a page.')
flags.DEFINE_enum('format', 'pb', ['pb', 'saved_model', 'tflite', 'onnx', 'web'], 'What to write.')
flags.DEFINE_bool('predictor', True, '--nopredictor: a .pb of a .pb, without its style predictor.')
flags.DEFINE_list('sizes', '512x512', 'TFLite: WIDTHxHEIGHT, a file for each.')
flags.DEFINE_list('weights', None, '.pb, ONNX: float16 is half the bytes. Default: float32. TFLite: one '
                  'or two types, a file for each. Default: float32,float16.')


def main(values):
    cli.require(values, 'output')
    from resnet_in_tf import exports
    from resnet_in_tf.training.freeze import freeze
    options = {name: values[name] for name in ('sizes', 'weights', 'predictor')}
    for line in exports.deploy(values['model_dir'], values['model'], values['format'],
                               values['output'], options, freeze):
        print(line)
    return cli.EXIT_OK


if __name__ == '__main__':
    cli.run(main)
