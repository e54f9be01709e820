#!/usr/bin/env python3
"""Restyles a picture, a folder or a pattern of pictures with a frozen network, or with NAAS."""

import os
import sys
import time

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
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
flags.DEFINE_integer('quality', 95, 'Of JPEG and WebP.', 1, 100)
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
LOSSES = ('content_weight', 'style_weight', 'tv_weight', 'bfloat16')
config.define_flags(flags, LOSSES, 'naas, --refine: ')
config.define_flags(flags, ('style_size',), 'naas: ')


def is_quiet(values):
    """Whether nobody looks on: standard output carries a picture or a document for a program."""
    return values['json'] or values['output'] == '-'


def open_stylizer(values, max_memory):
    """The stylizer that the flags name, its style weights, and the names of the styles in them."""
    from resnet_in_tf.restyling.style_images import image_name
    if values['refine'] and (values['system'] == 'naas' or not values['style_image']):
        cli.fail('--refine trains the row of a --style_image%s' % (
            ', and --system naas has none' if values['system'] == 'naas' else ': name one'))
    if values['system'] == 'naas':
        from resnet_in_tf.restyling import naas
        cli.require(values, 'style_image')
        if len(values['style_image']) > 1 or values['style']:
            cli.fail('--system naas paints after one --style_image, without --style')
        if values['precision'] != 'float32':
            cli.fail('--precision is not for --system naas; there is --bfloat16')
        if values['mask'] or values['elsewhere']:
            cli.fail('--mask and --elsewhere are not for --system naas, which paints all over')
        if values['model'] or values['strength'] != 1:
            cli.fail('--model and --strength are not for --system naas; there is --style_weight')
        iterations = values['iterations'] or naas.ITERATIONS
        on_iteration = [] if is_quiet(values) else [naas.print_progress(iterations)]
        stylizer = naas.NaasStylizer(values['style_image'][0], iterations, *on_iteration,
                                     style_size=values['style_size'], **losses_of(values))
        return stylizer, None, [image_name(values['style_image'][0])]
    from resnet_in_tf.restyling.precision import line
    from resnet_in_tf.restyling.stylizer import Stylizer
    stylizer = Stylizer(values['model'] or None, values['impl'], values['engine'], max_memory,
                         values['precision'])
    if values['precision'] != 'float32':
        print('note: %s' % line(stylizer.engine.precision), file=sys.stderr)
    return (stylizer,) + asked(stylizer, values)


def asked(stylizer, values, refine=None):
    """The style that the flags ask for, as Stylizer.asked gives it."""
    return stylizer.asked(values['style'] or None, values['strength'], values['style_image'], values['mask'],
                          values['elsewhere'], refine)


def losses_of(values):
    """The flags of the objective."""
    return {name: values[name] for name in LOSSES + ('vgg_weights',)}


def most_memory(values):
    """Bytes that the process may hold, by --max_memory; None where it is not given."""
    from resnet_in_tf import memory
    return values['max_memory'] and memory.parse_size(values['max_memory'])


def others_of(values):
    """Paths of the pictures that are styles or masks."""
    from resnet_in_tf.restyling import regions
    from resnet_in_tf.restyling.style_images import parse_image
    return [parse_image(text)[0] for text in values['style_image']] + regions.paths(values['mask'])


def check_looks(values):
    """Says what is wrong with --brush and --match_color before a network is opened for them."""
    from resnet_in_tf.pictures import brush, finishing
    brush.parse(values['brush'] or None)
    if values['match_color']:
        finishing.parse_match(values['match_color'])


def looks(stylizer, weights, values):
    """What --brush and --match_color ask for: dict of the arguments that carry it."""
    from resnet_in_tf.pictures import brush
    from resnet_in_tf.restyling import matching
    return {'brush': brush.parse(values['brush'] or None),
            'match': matching.read(values['match_color'] or None, stylizer.engine, weights,
                                   values['preserve_color'])}


def refined(stylizer, values, photos):
    """Style weights with the pictures' rows trained further on photos, a list of paths."""
    from resnet_in_tf.restyling import refining
    refine = refining.with_progress(photos, values['refine'], impl=values['impl'], **losses_of(values))
    return asked(stylizer, values, refine)[0]


def restyle_film(values):
    """Restyles a film: the exit status."""
    from resnet_in_tf.video import command, ffmpeg, films
    cli.require(values, 'output')
    for flag, why in (('system', 'optimises single pictures'), ('refine', 'trains on photos'),
                      ('json', 'tells of pictures')):
        if values[flag]:
            cli.fail('--%s %s, and --input %s is a film' % (flag, why, values['input']))
    ffmpeg.program()
    max_memory = most_memory(values)
    stylizer, weights, _ = open_stylizer(values, max_memory)
    options = films.Options(weights, values['preserve_color'], values['quality'], values['exact'],
                            values['overwrite'], max_memory, values['frame_rate'], values['steady'],
                            **looks(stylizer, weights, values))
    command.restyle_film(stylizer, values['input'], values['output'], options, others_of(values))
    return cli.EXIT_OK


def restyle_on_cluster(values):
    """Restyles folders on many machines: the exit status."""
    from resnet_in_tf.cluster import command
    from resnet_in_tf.restyling import pipeline
    cli.require(values, 'output')
    for flag, why in (('system', 'optimises single pictures'),
                      ('refine', 'trains here; style_row.py keeps a row'),
                      ('json', 'would list every picture'), ('format', 'is for --output -')):
        if values[flag]:
            cli.fail('--%s does not go with --cluster: it %s' % (flag, why))
    max_memory = most_memory(values)
    stylizer, weights, _ = open_stylizer(values, max_memory)
    options = pipeline.Options(weights, values['preserve_color'], values['quality'], values['exact'],
                               **looks(stylizer, weights, values))
    network = stylizer.model, {'impl': values['impl'], 'engine': stylizer.engine.name,
                               'precision': values['precision']}
    stylizer.close()
    return command.restyle(values['cluster'], values['cores'], values['input'], values['output'], network,
                           options, values['overwrite'], max_memory, others_of(values),
                           {'steady': values['steady']} if values['films'] else None)


def restyle(values, ends, start):
    """Restyles what is between the ends, and tells of it: the exit status.

    Args:
        values: dict of the flags.
        ends: pipes.Pipes.
        start: time.time() when work began.
    """
    from resnet_in_tf.restyling import batch
    max_memory = most_memory(values)
    beside = ends.output is None
    network = None
    if beside:
        batch.check_alone(ends.source)
        network = open_stylizer(values, max_memory)
        ends.output = batch.beside(ends.source, network[2])
    plan = batch.plan(ends.source, ends.output, others=others_of(values))
    photos = [job.source for job in plan.jobs if batch.is_to_do(job, values['overwrite'])]
    stylizer, weights, _ = network or open_stylizer(values, max_memory)
    look = looks(stylizer, weights, values)
    if values['refine'] and photos:
        weights = refined(stylizer, values, photos)
        look = looks(stylizer, weights, values)
    for note in plan.notes:
        print('note: %s' % note, file=sys.stderr)
    with cli.progress_bar(len(plan.jobs), 'picture', wanted=not is_quiet(values)) as bar:
        summary = batch.stylize_files(
            stylizer, plan.jobs, weights, values['preserve_color'], values['overwrite'],
            values['quality'], on_job=lambda job, error: bar.update(), max_memory=max_memory,
            exact=values['exact'],
            on_tile=lambda job, done, total: bar.set_postfix_str('tile %d/%d' % (done, total)),
            **look)
    failed = plan.failed + summary.failed
    if values['json']:
        print(batch.as_json(plan, summary, time.time() - start, ends.named))
    elif not is_quiet(values):
        print('%d done, %d skipped, %d failed' % (len(summary.done), len(summary.skipped), len(failed)))
    if beside and summary.skipped:
        print('note: %s is there already; --overwrite makes it again' % ends.output, file=sys.stderr)
    elif beside and summary.done and not values['json']:
        print('Look at %s' % ends.output)
    for _, reason in failed:
        print('failed: %s' % ends.named(' '.join(reason.split())), file=sys.stderr)
    if summary.done:
        ends.send()
    return cli.EXIT_SOME_FAILED if failed else cli.EXIT_OK


def main(values):
    start = time.time()
    cli.require(values, 'input')
    check_looks(values)
    if values['input'] == '-' and not values['output']:
        values['output'] = '-'
    if values['json'] and values['output'] == '-':
        cli.fail('--json and --output - both want standard output; give --output a file')
    if values['cluster']:
        cli.leave(restyle_on_cluster(values))
    if values['films']:
        cli.fail('--films is for --cluster; without it, --input names a film')
    from resnet_in_tf.restyling import pipes
    from resnet_in_tf.video import recognizing
    if values['input'] != '-' and recognizing.is_film(values['input'], values['output'] or ''):
        cli.leave(restyle_film(values))
    with pipes.opened(values['input'], values['output'] or None, values['format']) as ends:
        status = restyle(values, ends, start)
    cli.leave(status)


if __name__ == '__main__':
    cli.run(main)
