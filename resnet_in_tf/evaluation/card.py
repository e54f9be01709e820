"""The card beside a network that ships: what made it, how well each style came out, its checksum."""

import json
import os

import numpy as np

from resnet_in_tf import files
from resnet_in_tf.errors import UserError
from resnet_in_tf.evaluation.perceptual import PerceptualMeter
from resnet_in_tf.pictures import images
from resnet_in_tf.restyling.stylizer import Stylizer
from resnet_in_tf.training import run_record
from resnet_in_tf.training.paintings import read_painting, style_name


def read_notes(path):
    """What a person knows of the paintings: dict style name -> dict of title, artist, year.

    Raises:
        UserError: the file cannot be read as JSON.
    """
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise UserError('--notes %s: cannot be read as JSON (%s)' % (path, error)) from error


def write_card(model, styles, test_images, vgg_weights, notes=None, photos=10, report=print):
    """Measures a network's styles on test photos and writes its card, <model>.json.

    Args:
        model: path of a .pb.
        styles: paths of its paintings, by their names.
        test_images: folder of photos that it was not trained on.
        vgg_weights: the loss network that judges, as in vgg.open_weights.
        notes: path of a JSON file, see `read_notes`, or None.
        photos: how many test photos.
        report: function of one line.

    Returns:
        dict, as written.

    Raises:
        UserError: a style's painting is missing, or a file cannot be read.
    """
    stylizer = Stylizer(model)
    by_name = {style_name(path): path for path in styles}
    missing = [style for style in stylizer.styles if style not in by_name]
    if missing:
        raise UserError('--styles: there is no painting called %s' % missing[0])
    size = stylizer.card.get('training', {}).get('style_size', 512)
    meter = PerceptualMeter([read_painting(by_name[style], size)
                             for style in stylizer.styles], vgg_weights)
    known = read_notes(notes) if notes else {}
    pictures = [images.read(path) for path in images.list_pictures(test_images)[:photos]]
    card = dict(stylizer.card, file=os.path.basename(model), bytes=os.path.getsize(model),
                sha256=run_record.describe_file(model)['sha256'])
    described = []
    for index, style in enumerate(card['styles']):
        weights = stylizer.style_weights(style['name'])
        parts = [meter.measure(photo, stylizer.stylize(photo, weights), index)
                 for photo in pictures]
        losses = {part: round(float(np.mean([row[part] for row in parts])), 4)
                  for part in ('content', 'style')}
        described.append(dict(style, losses=losses, **known.get(style['name'], {})))
        report('%s: content %.3f, style %.3f' % (style['name'], losses['content'], losses['style']))
    card.update(styles=described, test_photos=len(pictures))
    text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + '\n'
    files.write_file(os.path.splitext(model)[0] + '.json', text.encode('utf-8'))
    return card
