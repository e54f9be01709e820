#!/usr/bin/env python3
"""Restyles a picture, a folder or a pattern of pictures with a frozen network, or with NAAS."""

import os
import sys
import time

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.restyling import asking  # noqa: E402
from resnet_in_tf.training import config  # noqa: E402

flags.DEFINE_string('model', None, 'A .pb or .onnx of freeze_graph.py, or a network that ships: any, the '
                    'default, paintings or paintings_small.')
flags.DEFINE_string('style', None, 'NAME or NUMBER, or a mix: wave:0.7,udnie:0.3. Default: the first, or '
                    '--style_image alone.')
flags.DEFINE_multi_string('style_image', [], 'Any picture as a style, for a network with a style predictor; '
                          'repeat for a mix: a.jpg:0.7. naas: the painting.')
flags.DEFINE_multi_string('mask', [], 'A picture, white where --style is painted, grey for a share; repeat '
                          'with a style of its own for each: sky.png:wave.')
flags.DEFINE_string('elsewhere', None, 'The style of what no --mask has. Default: identity, the photo.')
flags.DEFINE_float('strength', 1.0, '0 is the photo, 1 the style.')
flags.DEFINE_string('input', None, 'A picture, a folder, a pattern in quotes, or a film; - is standard '
                    'input.')
flags.DEFINE_string('output', None, 'A file for one picture or a film, a folder for several; - is standard '
                    'output. Default: for one picture photo_STYLE.jpg beside photo.jpg.')
flags.DEFINE_enum('format', None, ['bmp', 'gif', 'jpg', 'png', 'ppm', 'tif', 'webp'],
                  'Of --output -. Default: that of the photo.')
flags.DEFINE_bool('json', False, 'Tell in JSON on standard output what was done.')
flags.DEFINE_bool('preserve_color', False, "Keep the photo's colours.")
flags.DEFINE_string('match_color', None, "photo or painting: the palette that the result's colours are moved "
                    'to, with an amount from 0 to 2 or without: photo:0.5.')
flags.DEFINE_string('brush', None, 'Size of strokes: a number from 0.5, fine, to 2, broad, or fixed:512 for '
                    'strokes as on a photo with a long side of 512 pixels.')
flags.DEFINE_bool('overwrite', False, 'Make results again that exist; else they are skipped.')
flags.DEFINE_integer('quality', 95, 'Of JPEG, WebP and films.', 1, 100)
flags.DEFINE_enum('impl', 'auto', ['auto', 'reference', 'fused'], 'Kernel of instance norm.')
flags.DEFINE_string('max_memory', None, 'Such as 2GB: what needs more runs in tiles. Default: most '
                    'of what is free.')
flags.DEFINE_bool('exact', False, 'Tiles equal the untiled result: slower, with features on disk.')
flags.DEFINE_enum('engine', 'auto', ['auto', 'tensorflow', 'onnxruntime'], 'What runs the network. auto: '
                  'TensorFlow where it is installed.')
flags.DEFINE_enum('precision', 'float32', ['float32', 'bfloat16', 'auto'], 'What the network is computed in; '
                  'auto: bfloat16 where the processor is fast in it and the pictures stay near.')
flags.DEFINE_enum('system', None, ['naas'],
                  'naas: no --model; the pixels are optimised for --style_image, in minutes.')
flags.DEFINE_integer('iterations', None, 'naas: of L-BFGS-B, a picture. Default: 200.', lower_bound=1)
flags.DEFINE_float('frame_rate', 25.0, 'Frames a second, of a film made of a folder.', 0.01, 1000)
flags.DEFINE_enum('steady', 'flow', ['none', 'statistics', 'flow'], 'Films: none restyles each frame by '
                  'itself; statistics shares them in a shot; flow also brings the last result along.')
flags.DEFINE_float('refine', 0.0, 'Seconds for which the row of --style_image is trained further, on the '
                   'photos.', 0.0)
flags.DEFINE_string('cluster', None, 'Ray machines that share the work: auto, ray://HOST:PORT, or local:N '
                    'for N workers here. --input and --output are folders that all see, or s3://BUCKET/PREFIX.')
flags.DEFINE_bool('films', False, '--cluster: the films in --input, a worker each, and not the photos.')
flags.DEFINE_integer('cores', None, '--cluster: of a worker without a GPU. Default: 4.', 1)
flags.DEFINE_string('vgg_weights', None, 'naas, --refine: loss network, as of train.py. Default: imagenet '
                    'for naas, else hed.')
config.define_flags(flags, asking.LOSSES, 'naas, --refine: ')
config.define_flags(flags, ('style_size',), 'naas: ')


def main(values):
    start = time.time()
    if values['input'] == '-' and not values['output']:
        values['output'] = '-'
    asking.check(values)
    if values['cluster']:
        from resnet_in_tf.cluster import command
        cli.leave(command.restyle(values))
    if values['films']:
        cli.fail('--films is for --cluster; without it, --input names a film')
    from resnet_in_tf.video import recognizing
    if values['input'] != '-' and recognizing.is_film(values['input'], values['output'] or ''):
        from resnet_in_tf.video import command
        cli.leave(command.restyle(values))
    from resnet_in_tf.restyling import command
    cli.leave(command.restyle(values, start))


if __name__ == '__main__':
    cli.run(main)
