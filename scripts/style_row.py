#!/usr/bin/env python3
"""Adds any picture to a network with a style predictor, for good: as one more named style."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.restyling import asking  # noqa: E402
from resnet_in_tf.training import config  # noqa: E402

flags.DEFINE_multi_string('style_image', [], 'The picture; repeat for a mix: a.jpg:0.7.')
flags.DEFINE_string('name', None, 'What the style is called.')
flags.DEFINE_string('title', None, "The painting's title, for the card.")
flags.DEFINE_string('model', None, 'A .pb of freeze_graph.py with a style predictor.')
flags.DEFINE_string('output', None, 'The .pb to write.')
flags.DEFINE_bool('overwrite', False, 'Replace --output where it is there.')
flags.DEFINE_float('refine', 0.0, 'Seconds for which the row is trained further, on --photos.', 0.0)
flags.DEFINE_string('photos', None, '--refine: a picture, a folder or a pattern in quotes.')
flags.DEFINE_string('vgg_weights', 'hed', '--refine: the loss network, as of train.py.')
config.define_flags(flags, asking.LOSSES, '--refine: ')


def open_refiner(values):
    """What trains the row further, as the flags say; None where they do not."""
    if not values['refine']:
        if values['photos']:
            cli.fail('--photos %s: is for --refine SECONDS' % values['photos'])
        return None
    cli.require(values, 'photos')
    from resnet_in_tf.pictures import images
    from resnet_in_tf.restyling import refining
    return refining.with_progress(images.list_pictures(values['photos']), values['refine'],
                                  **asking.losses(values))


def main(values):
    cli.require(values, 'style_image', 'name', 'model', 'output')
    from resnet_in_tf.restyling import style_rows
    card = style_rows.write(values['model'], values['style_image'], values['name'], values['output'],
                            values['title'], values['overwrite'], open_refiner(values))
    names = card['style_names'][:-1]
    print('%s: %.1f MB, style %d is %s' % (values['output'], os.path.getsize(values['output']) / 1e6,
                                           len(names), names[-1]))
    cli.leave(cli.EXIT_OK)


if __name__ == '__main__':
    cli.run(main)
