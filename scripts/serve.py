#!/usr/bin/env python3
"""Serves a frozen network over HTTP: an API, and a page to use it from a browser."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402

flags.DEFINE_string('model', None, 'A .pb or .onnx of freeze_graph.py, or a network that '
                    'ships: any, the default, paintings or paintings_small.')
flags.DEFINE_string('host', '127.0.0.1', 'Address to listen on; 0.0.0.0 lets other machines in.')
flags.DEFINE_integer('port', 8080, 'Port to listen on; 0 takes a free one.', 0, 65535)
flags.DEFINE_integer('workers', 1, 'Pictures in work at once; each takes all cores.', 1, 64)
flags.DEFINE_integer('queue', 8, 'Requests that may wait; the next one is told 503.', 0, 1000)
flags.DEFINE_float('timeout', 60, 'Seconds for a request, waiting included; then 504.', 0.001, 86400)
flags.DEFINE_float('max_upload', 20, 'Megabytes of an upload; more is told 413.', 0.001, 1e6)
flags.DEFINE_float('max_photo', 50, 'Million pixels of a photo; more is told 422.', 0.001, 1e6)
flags.DEFINE_float('max_result', 4, 'Million pixels of a result; fewer where memory is short.',
                   0.001, 1e6)
flags.DEFINE_list('allowed_hosts', [], 'Names by which browsers reach it, beside localhost and '
                  '--host; * for any.')
flags.DEFINE_list('allow_origin', [], 'Other sites whose pages may send photos, such as '
                  'https://example.org; * for any.')
flags.DEFINE_string('site', None, 'A folder of freeze_graph.py --format web, made of the same network: '
                    "the page offers to run it on the visitor's device.")
flags.DEFINE_enum('impl', 'auto', ['auto', 'reference', 'fused'], 'Kernel of instance norm.')
flags.DEFINE_enum('engine', 'auto', ['auto', 'tensorflow', 'onnxruntime'], 'What runs the network. auto: '
                  'TensorFlow where it is installed.')
flags.DEFINE_enum('precision', 'float32', ['float32', 'bfloat16', 'auto'], 'What the network is computed in; '
                  'auto: bfloat16 where the processor is fast in it and the pictures stay near.')


def main(values):
    from resnet_in_tf.restyling.precision import line
    from resnet_in_tf.restyling.stylizer import Stylizer
    from resnet_in_tf.server.restyling import MASKS, STYLE_IMAGES, Limits, held_by_default
    from resnet_in_tf.server.serving import serve
    max_upload = int(values['max_upload'] * 1e6)
    limits = Limits(max_upload=max_upload,
                    max_pixels=int(values['max_photo'] * 1e6),
                    max_result=int(values['max_result'] * 1e6),
                    seconds=values['timeout'], workers=values['workers'], waiting=values['queue'],
                    held=held_by_default(max_upload, values['workers'], values['queue']),
                    style_images=STYLE_IMAGES, masks=MASKS)
    stylizer = Stylizer(values['model'] or None, values['impl'], values['engine'],
                        precision=values['precision'])
    if values['precision'] != 'float32':
        print('note: %s' % line(stylizer.engine.precision), file=sys.stderr)
    serve(stylizer, values['host'], values['port'], limits, values['allowed_hosts'], values['allow_origin'],
          values['site'])


if __name__ == '__main__':
    cli.run(main)
