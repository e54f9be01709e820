#!/usr/bin/env python3
"""Restyles a picture, a folder or a pattern of pictures with a frozen network."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402

flags.DEFINE_string('model', None, 'A .pb of freeze_graph.py.')
flags.DEFINE_string('style', '1', 'NAME or NUMBER, or a mix: wave:0.7,udnie:0.3.')
flags.DEFINE_float('strength', 1.0, '0 is the photo, 1 the style.')
flags.DEFINE_string('input', None, 'A picture, a folder or a pattern in quotes.')
flags.DEFINE_string('output', None, 'A file for one picture, a folder for several.')
flags.DEFINE_bool('preserve_color', False, "Keep the photo's colours.")
flags.DEFINE_bool('overwrite', False, 'Make results again that exist; else they are skipped.')
flags.DEFINE_integer('quality', 95, 'Of JPEG and WebP.', 1, 100)
flags.DEFINE_enum('impl', 'auto', ['auto', 'reference', 'fused'], 'Kernel of instance norm.')


def main(values):
    cli.require(values, 'model', 'input', 'output')
    from resnet_in_tf import batch
    from resnet_in_tf.stylizer import Stylizer
    jobs = batch.plan(values['input'], values['output'])
    stylizer = Stylizer(values['model'], values['impl'])
    weights = stylizer.style_weights(values['style'], values['strength'])
    with cli.progress_bar(len(jobs), 'picture') as bar:
        summary = batch.stylize_files(stylizer, jobs, weights, values['preserve_color'],
                                      values['overwrite'], values['quality'],
                                      on_job=lambda job, error: bar.update())
    print('%d done, %d skipped, %d failed' % tuple(map(len, summary)))
    for _, reason in summary.failed:
        print('failed: %s' % reason, file=sys.stderr)
    return cli.EXIT_SOME_FAILED if summary.failed else cli.EXIT_OK


if __name__ == '__main__':
    cli.run(main)
