#!/usr/bin/env python3
"""Shows what a network can do on a photo: every style, a strip of strengths, a blend of four."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402

flags.DEFINE_string('model', None, 'A .pb or .onnx of freeze_graph.py, or the name of a network that ships. '
                    'Default: any.')
flags.DEFINE_string('input', None, 'A photo; without it, a raccoon.')
flags.DEFINE_string('output', 'demo', 'Folder for the pictures.')
flags.DEFINE_integer('width', 384, 'Width of one picture of the sheet.', lower_bound=16)
flags.DEFINE_string('strip_style', None, 'Style of the strip. Default: the first.')
flags.DEFINE_list('corners', None, 'Four styles for the blend. Default: the first four.')
flags.DEFINE_list('chosen', None, 'Styles for one more sheet, chosen.jpg.')
flags.DEFINE_list('brush', None, 'Styles for brush.jpg, sizes of strokes at sizes of the photo, instead of '
                  'all else.')
flags.DEFINE_multi_string('style_image', [], 'A picture as a style, for a sheet style_images.jpg; repeat.')


def main(values):
    cli.require(values, 'output')
    from resnet_in_tf.pictures import images, sample
    from resnet_in_tf.restyling import ends, gallery
    from resnet_in_tf.restyling.stylizer import Stylizer
    photo = images.read(values['input']) if values['input'] else sample.photo()
    if values['corners'] and len(values['corners']) != 4:
        cli.fail('--corners %s: name four styles' % ','.join(values['corners']))
    ends.make_folder(os.path.join(values['output'], 'styles.jpg'))
    stylizer = Stylizer(values['model'] or None)
    if values['brush']:
        sheet = gallery.brush_sheet(stylizer, photo, values['brush'])
        print('Look at %s' % os.path.abspath(gallery.save(values['output'], 'brush.jpg', sheet, quality=85)))
        return cli.EXIT_OK
    for path in gallery.make(stylizer, photo, values['output'], values['width'],
                             values['strip_style'], values['corners'], values['chosen'],
                             values['style_image']):
        print('Look at %s' % os.path.abspath(path))
    return cli.EXIT_OK


if __name__ == '__main__':
    cli.run(main)
