#!/usr/bin/env python3
"""Trains one network on photos and one painting or more. Killed at any moment, it goes on."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.errors import UserError  # noqa: E402

flags.DEFINE_multi_string('style', [], 'A painting; repeat the flag for several.')
flags.DEFINE_multi_string('add_style', [], 'A painting to add to the network that --from names.')
flags.DEFINE_string('from', None, 'A frozen network to begin with.')
flags.DEFINE_string('coco_images', None, 'Folder of photos.')
flags.DEFINE_string('coco_annotations', None, "COCO's JSON for that folder; without it, all pictures.")
flags.DEFINE_string('model_dir', None, 'Folder of the run: checkpoints, events, run.json.')
flags.DEFINE_string('system', 'resnet_in', 'resnet_in, cnn, cnn_bn, fnst or resnet_contrast.')
flags.DEFINE_integer('batch_size', 4, 'Photos a step (paper, Table I).', lower_bound=1)
flags.DEFINE_float('learning_rate', 0.001, "Adam's rate (paper, Fig. 6).", lower_bound=0)
flags.DEFINE_float('learning_rate_decay', 0.0,
                   'Last part of the run over which the rate falls to zero.', 0, 1)
flags.DEFINE_integer('train_steps', None, 'Default: two passes over the photos.', lower_bound=1)
flags.DEFINE_integer('image_size', 256, 'Side of the training crops in pixels.', lower_bound=16)
flags.DEFINE_integer('style_size', 512, 'Longest side of the paintings in pixels.', lower_bound=16)
flags.DEFINE_float('content_weight', 0.6, 'beta of formula (6).', lower_bound=0)
flags.DEFINE_float('style_weight', 8.0, 'alpha of formula (6).', lower_bound=0)
flags.DEFINE_float('tv_weight', 30.0, 'Weight of total variation.', lower_bound=0)
flags.DEFINE_float('identity_weight', 20.0, "Weight of the identity row's pixel loss.", lower_bound=0)
flags.DEFINE_float('identity_share', 0.1, 'Share of the samples that train identity.', 0, 1)
flags.DEFINE_float('mix_share', 0.25, 'Share of the samples that mix two rows at random.', 0, 1)
flags.DEFINE_integer('warmup_steps', 150, 'First steps, on the pixel loss alone.', lower_bound=0)
flags.DEFINE_list('content_layers', None,
                  'VGG layers. Default: relu4_2; lightness and relu3_1 with random.')
flags.DEFINE_list('style_layers', None,
                  'VGG layers. Default: relu1_1 to relu5_1; input and relu1_1 to relu4_1 with random.')
flags.DEFINE_string('vgg_weights', 'imagenet',
                    'imagenet, hed, a .h5, .mat or .ckpt file of VGG-16 or 19, or random[:SEED].')
flags.DEFINE_integer('seed', 0, 'Names the split, the crops and the first weights.', 0, 2 ** 32 - 1)
flags.DEFINE_enum('impl', 'auto', ['auto', 'reference', 'fused'], 'Kernel of instance norm.')
flags.DEFINE_integer('width', 32, "Channels of the generator's first layer.", lower_bound=1)
flags.DEFINE_bool('bfloat16', False, 'Faster on CPUs with bfloat16 (TensorFlow 2.15).')
flags.DEFINE_integer('save_steps', 500, 'Steps between checkpoints.', lower_bound=1)
flags.DEFINE_integer('log_steps', 10, 'Steps between reports.', lower_bound=1)


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
