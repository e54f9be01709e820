#!/usr/bin/env python3
"""Measures: report, table2, survey, survey_results, continuity, steadiness, card and pictures."""

import os
import sys

from absl import flags

if __name__ == '__main__':  # so that it runs from a clone that is not installed
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))

from resnet_in_tf import cli  # noqa: E402
from resnet_in_tf.evaluation.report.options import SETTINGS  # noqa: E402
from resnet_in_tf.training import config  # noqa: E402


def report_flags():
    """Flags of `report`."""
    flags.DEFINE_string('styles', None, 'Folder or pattern of paintings.')
    flags.DEFINE_string('coco_images', None, 'Folder of photos to train on.')
    flags.DEFINE_string('output', None, 'Folder of the report. The same command goes on there.')
    config.define_flags(flags, settings=SETTINGS)


def report(values):
    """Runs `report`."""
    cli.require(values, 'styles', 'coco_images', 'output')
    from resnet_in_tf.evaluation.report.report import report as make
    return cli.EXIT_OK if make(**values) else cli.EXIT_STOPPED


def table2_flags():
    """Flags of `table2`."""
    flags.DEFINE_string('model', None, 'A .pb of freeze_graph.py.')
    flags.DEFINE_enum('runtime', 'tflite', ['tensorflow', 'tflite', 'web'],
                      "What runs it: TFLite's interpreter or the page in Chromium, each in one thread; "
                      'TensorFlow.')
    flags.DEFINE_string('input', None, 'The photo. Default: a raccoon.')
    flags.DEFINE_integer('timing_size', 512, 'Side of the picture that is timed, in pixels.', lower_bound=16)
    flags.DEFINE_integer('timing_runs', 5, 'Warm runs a style.', lower_bound=1)
    flags.DEFINE_integer('most_styles', 8, 'How many styles of the network, from the first.', lower_bound=1)
    flags.DEFINE_string('output', None, 'A CSV of the table.')


def table2(values):
    """Runs `table2`."""
    cli.require(values, 'model')
    from resnet_in_tf.evaluation.table2 import measure
    from resnet_in_tf.pictures import images, sample
    photo = images.read(values['input']) if values['input'] else sample.photo()
    size = values['timing_size']
    measure(values['model'], values['runtime'], images.resize(photo, size, size), values['timing_runs'],
            values['most_styles'], values['output'])
    return cli.EXIT_OK


def survey_flags():
    """Flags of `survey`."""
    flags.DEFINE_string('report', None, 'Folder of a finished report: its pictures are shown.')
    flags.DEFINE_string('output', None, 'Folder for survey.html and survey_key.csv.')
    flags.DEFINE_integer('photos', 2, 'Photos, each in every style by every system.', lower_bound=1)
    flags.DEFINE_integer('seed', 0, 'Names the choice of photos.', lower_bound=0)


def survey(values):
    """Runs `survey`."""
    cli.require(values, 'report', 'output')
    from resnet_in_tf.evaluation.survey.survey import survey as make
    make(values['report'], values['output'], values['photos'], values['seed'])
    return cli.EXIT_OK


def survey_results_flags():
    """Flags of `survey_results`."""
    flags.DEFINE_multi_string('answers', [], 'A CSV of the page, or a folder of them; repeat.')
    flags.DEFINE_string('survey_key', None, 'survey_key.csv, as `survey` wrote it.')
    flags.DEFINE_string('output', None, 'Folder for survey_results.csv and fig9_satisfaction.png.')


def survey_results(values):
    """Runs `survey_results`."""
    cli.require(values, 'answers', 'survey_key', 'output')
    from resnet_in_tf.evaluation.survey.survey_results import survey_results as make
    make(values['answers'], values['survey_key'], values['output'])
    return cli.EXIT_OK


def continuity_flags():
    """Flags of `continuity`."""
    flags.DEFINE_string('model', None, 'A .pb of freeze_graph.py.')
    flags.DEFINE_string('input', None, 'The photo to follow. Default: a raccoon.')
    flags.DEFINE_string('test_images', None, 'Folder of photos for strength 0.')
    flags.DEFINE_integer('width', 256, 'Of the photo that is followed, in pixels.', lower_bound=16)
    flags.DEFINE_string('output', None, 'A CSV of every path.')


def continuity(values):
    """Runs `continuity`."""
    cli.require(values, 'model')
    from resnet_in_tf.evaluation.continuity import measure
    from resnet_in_tf.pictures import images, sample
    from resnet_in_tf.restyling import gallery
    from resnet_in_tf.restyling.stylizer import Stylizer
    photo = images.read(values['input']) if values['input'] else sample.photo()
    tests = images.list_pictures(values['test_images']) if values['test_images'] else []
    measure(Stylizer(values['model']), gallery.reduced(photo, values['width']),
            map(images.read, tests), values['output'])
    return cli.EXIT_OK


def steadiness_flags():
    """Flags of `steadiness`."""
    flags.DEFINE_string('input', None, 'A film, or a folder or pattern of numbered frames.')
    flags.DEFINE_multi_string('result', [], 'The same, restyled by anything; repeat. Ratios: to the first.')
    flags.DEFINE_string('flow', None, 'True flow of two frames: .flo, or PNG of KITTI. Default: DIS.')
    flags.DEFINE_string('output', None, 'A CSV of the table.')


def steadiness(values):
    """Runs `steadiness`."""
    cli.require(values, 'input', 'result')
    from resnet_in_tf.evaluation.steadiness import print_table as make
    make(values['input'], values['result'], values['flow'], values['output'])
    return cli.EXIT_OK


def measures_flags():
    """Flags of both `card` and `pictures`."""
    flags.DEFINE_string('styles', None, 'Folder or pattern of paintings.')
    flags.DEFINE_string('test_images', None, 'Folder of photos that no network was trained on.')
    flags.DEFINE_string('vgg_weights', config.default('vgg_weights'),
                        'imagenet, hed, a weight file, or random[:SEED].')
    flags.DEFINE_string('judge_vgg_weights', None, 'Of the judge of styles; --vgg_weights.')
    flags.DEFINE_integer('crops', 60, 'Crops a class for the judge.', lower_bound=2)


def card_flags():
    """Flags of `card`."""
    measures_flags()
    flags.DEFINE_string('model', None, 'A .pb of freeze_graph.py; the card is its .json.')
    flags.DEFINE_string('notes', None, "JSON: a style's name -> its title, artist, year.")
    flags.DEFINE_integer('photos', 10, 'How many of the test photos.', lower_bound=1)


def card(values):
    """Runs `card`."""
    cli.require(values, 'model', 'styles', 'test_images')
    from resnet_in_tf.evaluation.card import write_card
    from resnet_in_tf.pictures import images
    write_card(**dict(values, styles=images.list_pictures(values['styles'])))
    return cli.EXIT_OK


def pictures_flags():
    """Flags of `pictures`."""
    measures_flags()
    flags.DEFINE_multi_string('pictures', [], 'Folder of STYLE/PHOTO.png, made by anything; repeat.')
    flags.DEFINE_string('output', None, 'A CSV of every style.')
    config.define_flags(flags, ('style_size',))


def pictures(values):
    """Runs `pictures`."""
    cli.require(values, 'pictures', 'styles', 'test_images')
    from resnet_in_tf.evaluation.pictures import measure_pictures
    from resnet_in_tf.pictures import images
    measure_pictures(**dict(values, styles=images.list_pictures(values['styles'])))
    return cli.EXIT_OK


COMMANDS = {'report': (report_flags, report), 'table2': (table2_flags, table2),
            'survey': (survey_flags, survey), 'survey_results': (survey_results_flags, survey_results),
            'continuity': (continuity_flags, continuity), 'steadiness': (steadiness_flags, steadiness),
            'card': (card_flags, card), 'pictures': (pictures_flags, pictures)}

if __name__ == '__main__':
    cli.run_command(COMMANDS)
