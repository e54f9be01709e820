"""Satisfaction (paper, Fig. 9): one self-contained page asks people, blind and in random order."""

import base64
import collections
import hashlib
import json
import os

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation import tables
from resnet_in_tf.evaluation.networks import NAAS, Workshop
from resnet_in_tf.evaluation.report import report
from resnet_in_tf.pictures import images
from resnet_in_tf.training.paintings import read_painting, style_name

PAGE, KEY = 'survey.html', 'survey_key.csv'
PAINTING_SIDE = 320  # pixels: paintings are shown small

Question = collections.namedtuple('Question', 'name title text')
# The paper names the three and does not say what they mean.
QUESTIONS = (
    Question('fluency', 'Fluency',
             'Do lines and strokes run naturally, without breaks, noise or patches?'),
    Question('coherence', 'Coherence',
             'Does the whole picture look painted in one hand and one style?'),
    Question('integrity', 'Integrity',
             'Is everything that the photo shows still there and recognisable?'))


def survey(report_folder, output, photos=2, seed=0):
    """Writes survey.html, and survey_key.csv, which tells what the page hides.

    The page knows its pictures by numbers drawn at random; which system painted which is in the key
    alone. Every photo is shown in every style by every system.

    Args:
        report_folder: folder of a finished report.
        output: folder; made where it is missing.
        photos: how many of the report's test photos.
        seed: whole number; draws the photos and the pictures' numbers.

    Returns:
        Path of the page.

    Raises:
        UserError: the report is not there or not finished, or has too few photos.
    """
    record = report.read_record(report_folder)
    settings = dict(record['settings'], output=report_folder)
    paintings = {style_name(path): path
                 for path in images.list_pictures(settings['styles'])}
    workshop = Workshop(settings, paintings)
    available = report.choose_photos(settings)['test']
    if photos > len(available):
        raise UserError('--photos %d: the report has %d test photos' % (photos, len(available)))
    generator = np.random.RandomState(seed)
    keys = [list(available)[place] for place in sorted(
        generator.permutation(len(available))[:photos])]
    rows = []
    for system in settings['systems']:
        step = settings['naas_iterations' if system == NAAS else 'train_steps']
        for style in paintings:
            for key in keys:
                path = workshop.picture(system, step, 'test', style, key)
                if not os.path.exists(path):
                    raise UserError('%s: the report is not finished (%s is missing); run '
                                    'evaluate.py report to its end' % (report_folder, path))
                rows.append({'system': system, 'step': step, 'style': style, 'photo': key,
                             'path': path})
    return write(rows, {key: available[key] for key in keys}, paintings, output, generator)


def write(rows, photos, paintings, output, generator):
    """Writes the page and its key.

    Args:
        rows: list of dicts: system, step, style, photo, path of the picture.
        photos: dict key -> uint8 [H, W, 3].
        paintings: dict style -> path.
        output: folder.
        generator: numpy RandomState that numbers the pictures.
    """
    numbers = generator.permutation(len(rows))
    rows = [rows[place] for place in np.argsort(numbers)]  # the page's own order tells nothing
    name = hashlib.sha256(json.dumps([[row['system'], row['step'], row['style'], row['photo']]
                                      for row in rows]).encode('utf-8')).hexdigest()[:8]
    key = [{'survey': name, 'picture': 'p%03d' % number, 'system': row['system'],
            'step': row['step'], 'style': row['style'], 'photo': row['photo']}
           for number, row in enumerate(rows, 1)]
    keys, styles = list(photos), list(paintings)
    data = {'id': name, 'questions': [question._asdict() for question in QUESTIONS],
            'photos': [inline(photo) for photo in photos.values()],
            'paintings': [inline(read_painting(path, PAINTING_SIDE))
                          for path in paintings.values()],
            'pictures': [{'id': line['picture'], 'photo': keys.index(row['photo']),
                          'painting': styles.index(row['style']),
                          'image': inline(images.read(row['path']))}
                         for line, row in zip(key, rows)]}
    template = os.path.join(os.path.dirname(__file__), 'survey_page.html')
    with open(template, encoding='utf-8') as file:
        page = file.read()
    page = page.replace('/*SURVEY*/null', json.dumps(data).replace('</', '<\\/'))
    path = os.path.join(output, PAGE)
    tables.write_csv(os.path.join(output, KEY), key)
    files.write_file(path, page.encode('utf-8'))
    print('%d pictures in %s; keep %s to yourself until the answers are in'
          % (len(rows), path, KEY))
    return path


def inline(pixels):
    """A picture as a data: address, JPEG."""
    return 'data:image/jpeg;base64,' + base64.b64encode(
        images.encode(pixels, 'JPEG', 92)).decode('ascii')
