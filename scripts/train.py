#!/usr/bin/env python3
"""Trains one network on photos and one painting or more. Killed at any moment, it goes on."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.errors import UserError  # noqa: E402
from resnet_in_tf.training import config  # noqa: E402

flags.DEFINE_multi_string('style', [], 'A painting; repeat the flag for several.')
flags.DEFINE_multi_string('add_style', [], 'A painting to add to the network that --from names.')
flags.DEFINE_string('from', None, 'A frozen network to begin with.')
flags.DEFINE_string('coco_images', None, 'Folder of photos.')
flags.DEFINE_string('coco_annotations', None, "COCO's JSON for that folder; without it, all pictures.")
flags.DEFINE_string('styles_dir', None, 'resnet_any: a folder of hundreds of pictures as styles.')
flags.DEFINE_string('teacher', None, 'A frozen network whose pictures a smaller one learns to make.')
flags.DEFINE_string('model_dir', None, 'Folder of the run: checkpoints, events, run.json.')
config.define_flags(flags)


def main(values):
    added, trained = values.pop('add_style'), values.pop('style')
    if added and trained:
        raise UserError('--style and --add_style: give one of them')
    cli.require(dict(values, style=trained or added), 'style', 'coco_images', 'model_dir')
    from resnet_in_tf.training.train import train
    record = train(trained or added, start_from=values.pop('from'), add_style=bool(added), **values)
    return cli.EXIT_STOPPED if record['status'] == 'stopped' else cli.EXIT_OK


if __name__ == '__main__':
    cli.run(main)
