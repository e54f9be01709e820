"""The whole comparison: trains what is missing, restyles, measures, and writes report.md.

Every stage leaves its work on disk under a name that says what it was made from; the same command
goes on where it stopped. Every number of report.md is a cell of a file in csv/.
"""

import json
import os
import time

import numpy as np
import tensorflow.compat.v1 as tf

import resnet_in_tf
from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import measures, miou, paper_numbers, recognition
from resnet_in_tf.evaluation.features import FeatureReader
from resnet_in_tf.evaluation.networks import (
    ALL_SYSTEMS,
    NAAS,
    TRAINING,
    Stopped,
    Workshop,
    run_name,
    split,
    stages,
)
from resnet_in_tf.evaluation.perceptual import PerceptualMeter
from resnet_in_tf.evaluation.report import claims, options, report_text
from resnet_in_tf.perceptual import vgg
from resnet_in_tf.perceptual.loss_defaults import loss_defaults
from resnet_in_tf.pictures import images
from resnet_in_tf.training import run_record
from resnet_in_tf.training.paintings import check_styles, read_painting, style_name

RECORD = 'report.json'
# What a report's folder is made for; the other arguments may change from run to run.
FIXED = TRAINING + ('styles', 'test_images', 'mask_images', 'mask_annotations', 'learning_rate',
                    'test_size')
# What a record holds, as run_record.KINDS has it, and the settings that it keeps.
KINDS = {'settings': {str: None}, 'styles': [str], 'versions': {str: None}}
KEPT = tuple(each.name for each in options.SETTINGS) + ('styles', 'coco_images')


def report(styles, coco_images, output, show=print, **given):
    """Makes a report, or goes on with one.

    Args:
        styles: a folder or pattern of paintings.
        coco_images: folder of photos to train on.
        output: the report's folder.
        show: function of one line of text.
        given: of options.SETTINGS; what is left out or None takes its default.

    Returns:
        Path of report.md, or None where a signal stopped it.

    Raises:
        UserError: an argument or file is not right, or the folder holds another report.
    """
    settings = dict(options.resolve(given), styles=styles, coco_images=coco_images, output=output)
    timing_model = settings['timing_model']
    paintings = {style_name(path): path for path in images.list_pictures(styles)}
    check_styles(images.list_pictures(styles))
    if recognition.PHOTO in paintings:
        raise UserError('%s: the judge calls photos %s; give the painting another name' % (
            paintings[recognition.PHOTO], recognition.PHOTO))
    settings.update(complete(settings))
    if timing_model and not os.path.isfile(timing_model):
        raise UserError('--timing_model %s: no such file' % timing_model)
    open_record(settings, paintings)
    workshop = Workshop(settings, paintings, show)
    photos = choose_photos(settings)
    try:
        steps = train_and_restyle(workshop, settings, photos)
    except Stopped:
        show('Stopped; the same command goes on.')
        return None
    results = measure(workshop, settings, photos, steps)
    path = report_text.write(workshop, settings, photos, results)
    show('Finished: %s' % path)
    return path


def complete(settings):
    """Checks the arguments and fills in those that follow from others: dict of these."""
    unknown = [name for name in settings['systems'] if name not in ALL_SYSTEMS]
    if unknown or not settings['systems']:
        raise UserError('--systems %s: there are: %s' % (','.join(unknown), ', '.join(ALL_SYSTEMS)))
    every = settings['curve_every'] or max(1, settings['train_steps'] // 5)
    rate_steps = settings['learning_rate_steps'] or min(2 * every, settings['train_steps'])
    if rate_steps > settings['train_steps'] or rate_steps % every and (
            rate_steps != settings['train_steps']):
        raise UserError('--learning_rate_steps %d must be a multiple of --curve_every %d, and no '
                        'more than --train_steps %d' % (rate_steps, every, settings['train_steps']))
    judge = settings['judge_vgg_weights'] or settings['vgg_weights']
    return {'curve_every': every, 'learning_rate_steps': rate_steps,
            'systems': list(settings['systems']), 'judge_vgg_weights': judge,
            'judge_layers': vgg.check_layers(settings['judge_layers'] or loss_defaults(judge).style_layers),
            'segment_layers': vgg.check_layers(settings['segment_layers'] or miou.LAYERS),
            'test_size': settings['test_size'] or settings['image_size'],
            'timing_size': settings['timing_size'] or settings['image_size']}


def open_record(settings, paintings):
    """Writes report.json, or raises UserError where the folder holds a report made otherwise."""
    path = os.path.join(settings['output'], RECORD)
    if os.path.exists(path):
        former = read_record(settings['output'])
        now = json.loads(json.dumps(settings))
        for key in FIXED:
            if former['settings'][key] != now[key]:
                raise UserError('--output %s holds a report with --%s %s, and now it is %s: repeat '
                                'the first command, or give another folder'
                                % (settings['output'], key, former['settings'][key], now[key]))
        if former['styles'] != list(paintings):
            raise UserError('--output %s holds a report of the styles %s; give another folder'
                            % (settings['output'], ', '.join(former['styles'])))
    record = {'settings': settings, 'styles': list(paintings),
              'versions': {'resnet_in_tf': resnet_in_tf.__version__, 'tensorflow': tf.__version__}}
    files.write_file(path, (json.dumps(record, indent=1, sort_keys=True) + '\n').encode('utf-8'))


def read_record(folder):
    """report.json of a report's folder: dict.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = os.path.join(folder, RECORD)
    try:
        record = files.read_json(path)
        run_record.check(record, KINDS)
        run_record.check(record['settings'], dict.fromkeys(KEPT))
        return record
    except OSError:
        raise UserError('%s: no report is there (%s is missing); evaluate.py report makes one'
                        % (folder, RECORD)) from None
    except ValueError as error:
        raise UserError('%s: damaged (%s)' % (path, error)) from error


def choose_photos(settings):
    """The sets of photos, each a dict key -> uint8 [H, W, 3]: test, train, annotated, grid.

    `objects` holds the annotated objects of the annotated photos.
    """
    size = settings['test_size']
    parts = split(settings)
    if settings['test_images']:
        folder = settings['test_images']
        test = [os.path.relpath(path, folder) for path in images.list_pictures(folder)]
        order = np.random.RandomState(settings['seed']).permutation(len(test))
        test = [test[place] for place in order]
    else:
        folder, test = settings['coco_images'], parts.test
    photos = {'test': measures.read_photos(folder, test[:settings['test_photos']], size),
              'train': measures.read_photos(settings['coco_images'],
                                            parts.train[:settings['train_photos']], size)}
    for group, flag in (('test', '--test_images'), ('train', '--coco_images')):
        if not photos[group]:
            raise UserError('%s: no photo of it can be read' % flag)
    photos['annotated'], photos['objects'] = {}, {}
    if settings['mask_annotations']:
        photos['annotated'], photos['objects'] = measures.annotated_photos(
            settings['mask_images'] or settings['coco_images'], settings['mask_annotations'],
            settings['mask_photos'], size)
    if settings['grid_images']:
        pictures = images.list_pictures(settings['grid_images'])
        photos['grid'] = measures.read_photos('', pictures, size)
    else:
        photos['grid'] = dict(list(photos['test'].items())[:3])
    return photos


def train_and_restyle(workshop, settings, photos):
    """Everything that takes long: dict with the step of each system and of each rate's run."""
    points = stages(settings['train_steps'], settings['curve_every'])
    rate_points = stages(settings['learning_rate_steps'], settings['curve_every'])
    iterations = stages(settings['naas_iterations'], max(1, settings['naas_iterations'] // 5))
    curve = dict(list(photos['test'].items())[:settings['curve_photos']])
    rates = {rate: run_name(claims.OURS, rate, settings['learning_rate'])
             for rate in paper_numbers.LEARNING_RATES}
    seconds = time.perf_counter()
    for name in [name for name in settings['systems'] if name != NAAS]:
        workshop.train(name, points)
        for step in points[:-1]:
            workshop.stylize(name, step, {'test': curve})
        workshop.stylize(name, points[-1], {group: photos[group]
                                            for group in ('test', 'train', 'annotated', 'grid')})
    for name in rates.values():
        workshop.train(name, rate_points)
        for step in rate_points:
            workshop.stylize(name, step, {'test': curve})
    if NAAS in settings['systems']:
        for group in ('grid', 'test', 'annotated'):
            workshop.naas(iterations, group, photos[group])
    workshop.show('Networks and pictures are ready (%d s in this call)'
                    % (time.perf_counter() - seconds))
    systems = {name: iterations[-1] if name == NAAS else points[-1] for name in settings['systems']}
    return {'systems': systems, 'rates': rates, 'points': points, 'rate_points': rate_points,
            'iterations': iterations, 'curve': list(curve)}


def measure(workshop, settings, photos, steps):
    """Every measure on every picture: dict of rows, see report_text.write."""
    workshop.show('Measuring')
    size, systems = settings['test_size'], steps['systems']
    paintings = {name: read_painting(path, settings['style_size'])
                 for name, path in workshop.paintings.items()}
    reader = FeatureReader(settings['judge_vgg_weights'], settings['judge_layers'])
    judge = recognition.train_judge(reader, paintings, list(photos['train'].values()), size,
                                    settings['crops'], settings['seed'])
    keys = list(photos['test'])
    recognised = measures.reference_rows(judge, paintings, photos['test'], size, settings['crops'])
    for name, step in systems.items():
        recognised += measures.recognise(judge, workshop, name, step, 'test', keys)
        if name != NAAS:
            recognised += measures.recognise(judge, workshop, name, step, 'train',
                                             list(photos['train']))
    curves = {(name, step): rows_at(judge, workshop, name, step, steps['curve'])
              for name in systems
              for step in steps['iterations' if name == NAAS else 'points']}
    curves.update(((name, step), rows_at(judge, workshop, name, step, steps['curve']))
                  for name in steps['rates'].values() for step in steps['rate_points']
                  if (name, step) not in curves)
    reader.close()
    meter = PerceptualMeter(list(paintings.values()), settings['vgg_weights'],
                            content_weight=settings['content_weight'],
                            style_weight=settings['style_weight'], tv_weight=settings['tv_weight'])
    losses = [row for name, step in [(None, 0)] + list(systems.items())
              for row in measures.losses(meter, workshop, name, step, photos['test'])]
    meter.close()
    reader = FeatureReader(settings['judge_vgg_weights'], settings['segment_layers'])
    segmenter = miou.Segmenter(reader, list(photos['train'].values()), settings['segments'],
                               settings['seed'])
    labels = {key: segmenter.labels(photo) for key, photo in photos['test'].items()}
    structure = [row for name, step in list(systems.items()) + [(None, 0)]
                 for row in measures.structure(segmenter, workshop, name, step, photos['test'],
                                               labels)]
    objects = measures.objects(segmenter, workshop, systems, photos['annotated'], photos['objects'])
    reader.close()
    photo = images.resize(next(iter(photos['test'].values())), settings['timing_size'],
                          settings['timing_size'])
    times = [row for name, step in systems.items()
             for row in measures.times(workshop, name, step, photo, settings['timing_runs'])]
    model, name = settings['timing_model'], claims.OURS
    table2 = [row for row in times if row['system'] == name]
    if model:
        table2 = measures.times(workshop, name, 0, photo, settings['timing_runs'], model)
    return {'steps': steps, 'classes': judge.classes, 'recognition': recognised, 'curves': curves,
            'losses': losses, 'structure': structure, 'objects': objects, 'times': times,
            'table2': table2}


def rows_at(judge, workshop, name, step, keys):
    """Rows of measures.recognise for one point of a curve."""
    return measures.recognise(judge, workshop, name, step, 'test', keys)
